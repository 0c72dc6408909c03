"""The envelope sender of an SMTP provider: where reports go."""

from __future__ import annotations

import uuid

import pytest

from omnichannel.backends.return_path import address_for, keys_in
from omnichannel.backends.smtp import Smtp, SmtpForm
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers.smtp import SmtpServer

BOUNCES = "bounces@example.com"
HOST = {"host": "smtp.example.com", "security": "starttls"}


def senders(*keys: str, **options) -> list[str]:
    """The envelope senders a server sees."""
    with SmtpServer() as server:
        place = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        backend = Smtp(make_config(options={**place, **options}, from_address="studio@example.com"))
        list(backend.deliver([make_outgoing(key=key) for key in keys]))
        backend.close()
    assert all(b"From: " in each.data and b"bounces" not in each.data for each in server.messages)
    return [each.sender for each in server.messages]


@pytest.mark.parametrize("options", [{}, {"bounce_address": "", "verp": False}, {"verp": True}])
def test_without_a_bounce_address_reports_go_to_the_sender(options):
    assert senders(str(uuid.uuid4()), **options) == ["studio@example.com"]


def test_with_one_all_reports_go_there():
    assert senders(str(uuid.uuid4()), bounce_address=BOUNCES) == [BOUNCES]


def test_with_verp_every_message_has_its_own():
    keys = [str(uuid.uuid4()) for _ in range(3)]

    found = senders(*keys, bounce_address=BOUNCES, verp=True)

    assert found == [address_for(key, BOUNCES) for key in keys]
    assert [list(keys_in(sender)) for sender in found] == [[key] for key in keys]


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"verp": "on"}, "verp", "Fill in the bounce address"),
        ({"bounce_address": "x" * 25 + "@example.com", "verp": "on"}, "verp", "at most 24"),
        ({"bounce_address": "bünces@example.com", "verp": "on"}, "verp", "plain letters"),
        ({"bounce_address": "Bounces <b@example.com>"}, "bounce_address", "Write one address"),
        ({"bounce_address": "b@-é-.example.com"}, "bounce_address", "impossible domain"),
        ({"bounce_address": "b@example.com\nRCPT TO:<x@example.com>"}, "bounce_address", "one add"),
    ],
)
def test_what_cannot_be_a_return_path_is_refused(options, field, words):
    form = SmtpForm({**HOST, **options})

    assert words in form.errors[field][0]


def test_the_longest_bounce_address_fits():
    longest = "x" * 24 + "@example.com"

    assert SmtpForm({**HOST, "bounce_address": longest, "verp": "on"}).is_valid()
    assert len(address_for(str(uuid.uuid4()), longest).partition("@")[0]) == 64
