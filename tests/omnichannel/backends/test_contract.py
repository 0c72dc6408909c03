"""What holds for every backend, those to come included."""

from __future__ import annotations

import contextlib
import inspect
import json

import pytest
from django import forms

from omnichannel import backends
from omnichannel.backends.base import (
    Attachment,
    Backend,
    OutgoingMessage,
    ProviderConfig,
    Result,
)
from omnichannel.backends.envelope import refuse_unsafe
from omnichannel.choices import ChannelType, Outcome
from omnichannel.exceptions import ProviderTrouble, Rejected
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers.http import Answer, HttpServer

COLUMNS = {"service_url", "app_user", "app_password", "app_key"}
ALL = list(backends.registry().values())
EVERY = pytest.mark.parametrize("backend", ALL, ids=lambda b: b.slug)
EVERY_MAILER = pytest.mark.parametrize(
    "backend", [b for b in ALL if ChannelType.EMAIL in b.channel_types], ids=lambda b: b.slug
)


@pytest.fixture(autouse=True)
def own_store(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def nowhere():
    """Takes connections and refuses everything: nothing unsafe may ever get here."""
    with HttpServer(Answer(418)) as server:
        yield server


def make_backend(backend: type[Backend], server: HttpServer) -> Backend:
    options = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    values = {"service_url": server.url, "app_key": "secret-key", "app_password": "secret-word"}
    channel_type = backend.channel_types[0]
    return backend(make_config(channel_type=channel_type, options=options, deadline=0.5, **values))


def message_for(backend: type[Backend], **values) -> OutgoingMessage:
    """To an address of the kind that the backend sends to."""
    to = "ann@example.com" if ChannelType.EMAIL in backend.channel_types else "+12025550143"
    return make_outgoing(**{"to": to, **values})


@EVERY
def test_backend_says_what_it_is(backend):
    assert backend.label
    assert set(backend.channel_types) <= set(ChannelType.values)
    assert set(backend.uses) <= COLUMNS
    assert set(backend.required) <= set(backend.uses)
    assert backends.get(backend.slug) is backend


@EVERY
def test_backend_offers_what_it_implements_and_nothing_else(backend):
    assert backend.can_look_up == (backend.look_up is not Backend.look_up)
    assert backend.has_ledger == (backend.ledger is not Backend.ledger)
    assert backend.receives == (backend.parse_webhook is not Backend.parse_webhook)


@EVERY
def test_codes_are_unique_and_outcomes_legal(backend):
    codes = [status.code for status in backend.statuses]

    assert codes
    assert len(codes) == len(set(codes))
    assert all(code and len(code) <= 60 for code in codes)
    assert {status.outcome for status in backend.statuses} <= {"", *Outcome.values}
    assert all(len(status.reason) <= 120 for status in backend.statuses)


@EVERY
def test_settings_fit_into_json_and_secrets_are_among_them(backend):
    form_class = backend.config_form or forms.Form
    fields = form_class.base_fields

    initial = {name: field.initial for name, field in fields.items()}

    assert set(backend.secret_fields) <= set(fields)
    assert not COLUMNS & set(fields)
    assert json.loads(json.dumps(initial)) == initial


@EVERY
def test_backend_can_be_checked_and_sent_through(backend):
    assert backend.check is not Backend.check
    assert backend.send is not Backend.send
    assert list(inspect.signature(backend.send).parameters) == ["self", "message"]


@EVERY
def test_config_and_secrets_are_never_shown(backend, nowhere):
    assert "secret" not in repr(make_backend(backend, nowhere).config)
    assert "secret" not in repr(make_backend(backend, nowhere))


UNSAFE = {
    "subject": {"subject": "Hello\r\nBcc: eve@example.com"},
    "sender name": {"from_address": "a@example.com", "from_name": "The\nStudio"},
    "sender": {"from_address": "a@example.com\r\nDATA"},
    "recipient": {"to": "ann@example.com>\r\nRCPT TO:<eve@example.com"},
    "copy": {"cc": ("cc@example.com\nx",)},
    "hidden copy": {"bcc": ("bcc@example.com\0",)},
    "reply": {"reply_to": "a@example.com\r\nX: y"},
    "header value": {"headers": {"X-A": "b\r\nBcc: eve@example.com"}},
    "header name": {"headers": {"X: v\nBcc": "eve@example.com"}},
    "header name with a space": {"headers": {"X A": "b"}},
    "header of ours": {"headers": {"bcc": "eve@example.com"}},
    "header that changes the body": {"headers": {"Content-Type": "text/plain"}},
    "attachment": {"attachments": (Attachment("a\r\nb.pdf", b""),)},
    "key": {"key": "1\r\n2"},
}
BAD_ADDRESSES = {
    "list of recipients": {"to": "ann@example.com,eve@example.com"},
    "no address": {"to": "ann"},
    "display name": {"to": "Ann <ann@example.com>"},
    "list of copies": {"cc": ("a@example.com; b@example.com",)},
    "impossible domain": {"to": "ann@bü..example"},
}


@EVERY
@pytest.mark.parametrize("what", UNSAFE | BAD_ADDRESSES)
def test_what_could_forge_a_header_or_recipient_is_refused(backend, what, nowhere):
    message = message_for(backend, **(UNSAFE | BAD_ADDRESSES)[what])

    (result,) = make_backend(backend, nowhere).deliver([message])

    assert result.outcome == Outcome.REJECTED
    assert result.text
    assert nowhere.requests == []
    assert nowhere.connections == 0


@EVERY_MAILER
def test_message_without_any_sender_is_refused(backend, nowhere):
    (result,) = backend(ProviderConfig("Test", service_url=nowhere.url, app_key="k")).deliver(
        [make_outgoing()]
    )

    assert result.outcome == Outcome.REJECTED
    assert "From Address" in result.text


@EVERY
def test_every_message_has_its_result_unless_the_provider_is_in_trouble(backend, nowhere):
    messages = [message_for(backend) for _ in range(3)]
    results: list[Result] = []

    with contextlib.suppress(ProviderTrouble):
        results.extend(make_backend(backend, nowhere).deliver(iter(messages)))
        assert len(results) == 3

    assert len({result.key for result in results}) == len(results)
    assert {result.key for result in results} <= {item.key for item in messages}
    assert {result.outcome for result in results} <= set(Outcome.values)


@EVERY
def test_result_comes_before_the_message_after_next_is_asked_for(backend, nowhere):
    """A message that is taken counts as handed over: a backend must not take the whole list."""
    taken = []

    def feed():
        for number in range(1000):
            taken.append(number)
            yield message_for(backend, to="ann@example.com\n")

    next(iter(make_backend(backend, nowhere).deliver(feed())))

    assert len(taken) <= 200


@EVERY
def test_backend_can_be_closed_twice(backend, nowhere):
    instance = make_backend(backend, nowhere)

    instance.close()
    instance.close()


def test_refusal_names_what_is_wrong():
    with pytest.raises(Rejected, match="subject has a line break"):
        refuse_unsafe(make_outgoing(subject="a\nb"), make_config())
