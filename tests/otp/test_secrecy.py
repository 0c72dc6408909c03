"""A code is written nowhere: neither in the database nor in a log, a file or an export."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from omnichannel import recovery
from omnichannel.admin.message_shown import sent as shown
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType, MessageStatus, Outcome
from omnichannel.delivery import drain
from omnichannel.exceptions import ProviderRefused, ProviderUnavailable
from omnichannel.models import ChannelProvider, Message, MessageEvent, ReceivedEvent
from omnichannel.unkept import MASK
from otp.models import OtpChallenge, OtpEntry
from tests.live import ROOT, SETUP
from tests.omnichannel.scripted import results
from tests.otp.conftest import EMAIL
from tests.otp.factories import make_configuration
from tests.servers.smtp import SmtpServer

SENDS = 30
PREPARE = """
from omnichannel import originals
from omnichannel.models import ChannelProvider, ProviderRoute
from otp.models import OtpConfiguration
originals.ensure()
OtpConfiguration.objects.all().delete()
OtpConfiguration.objects.create(
    purpose="login", name="Sign-in", is_default=True, kind="alphanumeric", length=8
)
ProviderRoute.objects.all().delete()
provider, _ = ChannelProvider.objects.update_or_create(
    name="OTP", defaults={"backend": BACKEND, "from_address": "a@example.com", **MORE}
)
ProviderRoute.objects.create(channel_type="email", category="otp", provider=provider)
"""
SEND = """
import sys
from django.utils import timezone
from omnichannel import people
from otp import engine
from otp.asking import Asked
for number in range(SENDS):
    asked = Asked(email=f"p{number}@example.com", variables={"name": "Ana"}, caller="key a")
    (sent,) = engine.send(asked, at=timezone.now())
    assert sent.success, sent
    engine.verify(sent.request_id, "WRONG", at=timezone.now(), caller="key a")
    for part in people.export(people.parse(f"p{number}@example.com"), at=timezone.now()):
        print(part)
"""
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


def everything(live):
    """All that the database and the files hold."""
    held = b"".join(path.read_bytes() for path in live.var_dir.rglob("*") if path.is_file())
    if live.postgres_url:
        for (table,) in live.look_up(TABLES):
            held += str(live.look_up(f'SELECT t::text FROM "{table}" AS t')).encode()
    return held


def test_no_code_is_found_after_many_sends(live):
    with SmtpServer() as server:
        more = {"app_config": {"host": "127.0.0.1", "port": server.port, "security": "none"}}
        code = (PREPARE + SEND).replace("BACKEND", '"smtp"').replace("SENDS", str(SENDS))
        done = subprocess.run(
            [sys.executable, "-c", SETUP + code.replace("MORE", repr(more))],
            env=live.env(LOG_LEVEL="DEBUG"),
            cwd=ROOT,
            capture_output=True,
            timeout=120,
            check=True,
        )
        mails = [message.data.decode() for message in server.messages]
    codes = {match for mail in mails for match in re.findall(r"\b[3-9C-Y]{8}\b", mail)}
    kept = everything(live) + done.stdout + done.stderr

    assert len(codes) == SENDS
    assert b"p7@example.com" in kept  # it was looked for in the right place
    assert not [code for code in codes if code.encode() in kept]


KILLED = (
    PREPARE
    + """
from django.utils import timezone
from otp import engine
from otp.asking import Asked
engine.send(Asked(email="killed@example.com", caller="key a"), at=timezone.now())
"""
)
RECOVER = """
from django.utils import timezone
from omnichannel import recovery
from omnichannel.delivery import drain
recovery.recover(timezone.now())
drain()
"""


def test_message_whose_process_died_is_never_sent_without_its_code(live):
    code = KILLED.replace("BACKEND", '"sandbox"').replace("MORE", "{}")

    died = live.start(code, OMNI_CRASH="claimed:1").wait(60)
    live.run(RECOVER)

    ((status, text),) = live.look_up(
        "SELECT status, error_message FROM omnichannel_message "
        "WHERE to_address = 'killed@example.com'"
    )
    assert died == -9
    assert status == "failed"
    assert "ask for a new one" in text


def test_row_has_all_but_the_code(phone):
    phone.ask(email=EMAIL, variables={"name": "Ana"})

    row = Message.objects.get()
    assert row.variables["name"] == "Ana"
    assert "code" not in row.variables
    assert phone.code() not in str(Message.objects.values())
    assert phone.code() not in str(OtpChallenge.objects.values())
    assert phone.code() not in str(OtpEntry.objects.values())


def test_what_was_sent_is_shown_masked(phone):
    phone.ask(email=EMAIL)

    rendered = shown(Message.objects.get())

    assert MASK in rendered.text
    assert MASK in rendered.html
    assert phone.code() not in rendered.text + rendered.html + rendered.subject


def test_provider_that_repeats_the_code_is_not_written_down(phone, scripted):
    def answer(message):
        return results(Outcome.REJECTED, "550", f"No: {message.text}")(message)

    scripted.answer = staticmethod(answer)
    phone.ask()

    row = Message.objects.get()
    assert MASK in row.error_message
    assert phone.code() not in row.error_message
    assert phone.code() not in str(MessageEvent.objects.values())
    assert phone.code() not in str(OtpEntry.objects.values())


@pytest.mark.parametrize("trouble", [ProviderRefused, ProviderUnavailable])
def test_trouble_that_repeats_the_code_is_not_written_down(phone, scripted, caplog, trouble):
    def answer(message):
        raise trouble(f"401 for {message.text}")

    scripted.answer = staticmethod(answer)
    phone.ask()

    told = ChannelProvider.objects.get(name="OTP sms").trouble
    assert MASK in told
    held = (
        f"{told} {caplog.text} {list(Message.objects.values())} {list(OtpEntry.objects.values())}"
    )
    assert phone.code() not in held


def test_defect_of_a_backend_does_not_write_the_code_into_the_log(phone, scripted, caplog):
    def answer(message):
        raise ValueError(f"URL can't contain a blank: /send?text={message.text}")

    scripted.answer = staticmethod(answer)
    phone.ask()

    assert f"ValueError: URL can't contain a blank: /send?text={MASK}" in caplog.text
    assert phone.code() not in caplog.text


def test_defect_of_a_template_does_not_write_the_code_into_the_log(phone, caplog, monkeypatch):
    def failing(message, **options):
        raise RuntimeError(f"No room for {message.variables['code']}")

    monkeypatch.setattr("omnichannel.outgoing.rendering.render_message", failing)
    phone.ask()

    assert f"RuntimeError: No room for {MASK}" in caplog.text


def test_link_with_the_code_that_an_event_names_is_not_written_down(phone, scripted):
    def answer(message):
        url = f"https://example.com/enter?code={phone.code()}"
        event = TrackingEvent(type=EventType.CLICKED, at=phone.now, key=message.key, url=url)
        return results(Outcome.ACCEPTED, "250", events=(event,))(message)

    scripted.answer = staticmethod(answer)
    phone.ask()

    assert MessageEvent.objects.get(type=EventType.CLICKED).url.endswith(f"code={MASK}")
    assert phone.code() not in str(ReceivedEvent.objects.values())


def test_message_that_an_operator_puts_back_is_not_sent_without_its_code(phone):
    phone.ask()
    Message.objects.update(status=MessageStatus.NEW)

    drain()

    row = Message.objects.get()
    assert row.status == MessageStatus.FAILED
    assert row.error_code == "not_kept"
    assert len(phone.seen) == 1
    assert recovery.recover(phone.now) == 0


def test_configuration_tells_its_name_to_the_message(phone):
    make_configuration(is_default=True, name="Door opener")

    phone.ask(email=EMAIL)

    assert "Door opener" in phone.seen[0].text
