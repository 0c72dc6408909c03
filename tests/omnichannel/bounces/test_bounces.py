"""From a mail in the mailbox to what becomes of its message."""

from __future__ import annotations

import datetime
import time

import pytest

from omnichannel import bounces, delivery, receipts, tasks
from omnichannel.backends.return_path import address_for
from omnichannel.mailbox import imap
from omnichannel.models import (
    BounceMailbox,
    MessageEvent,
    ProviderStatus,
    ReceivedEvent,
    Suppression,
)
from omnichannel.returned import read
from tests.factories import NOW, make_mailbox, make_message, make_provider
from tests.omnichannel.bounces.corpus_mails import BOUNCES, mail
from tests.servers.dovecot import PASSWORD
from tests.servers.smtp import SmtpServer
from tests.servers.tls import authority_pem

pytestmark = pytest.mark.django_db
NO_SUCH_USER = "dsn-postfix-no-such-user"


@pytest.fixture
def mailbox(dovecot, user):
    return make_mailbox(port=dovecot.ports["imap"], security="none", user=user, password=PASSWORD)


@pytest.fixture
def sent(mailbox):
    return sent_message(mailbox.provider)


def sent_message(provider, **values):
    values = {"to_address": "ann@example.com", "status": "sent", "attempts": 1, **values}
    return make_message(provider=provider, **values)


def tick(at=NOW) -> int:
    return bounces.read_due(at, time.monotonic() + 60, lambda: False)


def apply(at=NOW) -> int:
    return receipts.apply_due(at, time.monotonic() + 60, lambda: False)


def counts(mailbox) -> dict[str, int]:
    """What the provider's page shows, without noughts."""
    names = ("mails", "reports", "complaints", "replies", "strangers", "unknown", "too_large")
    row = BounceMailbox.objects.get(pk=mailbox.pk)
    return {name: value for name in names if (value := getattr(row, name))}


def test_a_message_that_cannot_arrive_fails_and_its_address_is_written_to_no_more(
    dovecot, user, free_to_run
):
    with SmtpServer() as relay:
        provider = make_provider(
            backend="smtp",
            app_config={
                "host": "127.0.0.1",
                "port": relay.port,
                "security": "none",
                "bounce_address": BOUNCES,
                "verp": True,
            },
        )
        make_mailbox(
            provider,
            port=dovecot.ports["imaps"],
            security="tls",
            user=user,
            password=PASSWORD,
            ca_certificate=authority_pem(),
        )
        message = make_message(provider=provider, to_address="ann@example.com")
        delivery.deliver_now(message, at=NOW)
    [taken] = relay.messages
    report = mail(NO_SUCH_USER, str(message.key)).replace(BOUNCES.encode(), taken.sender.encode())
    dovecot.drop(user, report.replace(f"<{message.key}@".encode(), b"<removed@"))

    looked_at = tasks.read_bounces()
    tasks.apply_receipts()

    message.refresh_from_db()
    [barred] = Suppression.objects.in_force()
    assert (looked_at, message.status) == (1, "failed")
    assert taken.sender == address_for(str(message.key), BOUNCES)
    assert (barred.address, barred.reason, barred.message_id) == (
        "ann@example.com",
        "bounce",
        message.pk,
    )
    assert [flags for flags, _ in dovecot.mails(user)] == ["S"]


def test_a_mail_that_the_reader_stumbles_over_stops_no_other(
    dovecot, user, mailbox, sent, monkeypatch
):
    def stumble(raw):
        if b"poison" in raw:
            raise ZeroDivisionError
        return read(raw)

    monkeypatch.setattr(bounces, "read", stumble)
    dovecot.drop(user, b"Subject: poison\r\n\r\n")
    dovecot.drop(user, mail(NO_SUCH_USER, str(sent.key)))

    looked_at = tick()
    apply()

    sent.refresh_from_db()
    assert (looked_at, sent.status) == (2, "failed")
    assert counts(mailbox) == {"mails": 2, "reports": 1, "unknown": 1}


def test_a_full_mailbox_fails_the_message_and_spares_the_address(dovecot, user, mailbox, sent):
    dovecot.drop(user, mail("dsn-exim-quota", str(sent.key)))

    tick()
    apply()

    sent.refresh_from_db()
    assert (sent.status, sent.error_code) == ("failed", "5.2.2")
    assert not Suppression.objects.in_force().exists()


def test_a_delay_changes_nothing_and_is_shown(dovecot, user, mailbox, sent):
    dovecot.drop(user, mail("dsn-postfix-delayed", str(sent.key)))

    tick()
    apply()

    sent.refresh_from_db()
    assert sent.status == "sent"
    assert sent.events.get().type == "deferred"


def test_a_complaint_bars_the_address(dovecot, user, mailbox, sent):
    dovecot.drop(user, mail("arf-abuse", str(sent.key)))

    tick()
    apply()

    assert Suppression.objects.in_force().get().reason == "complaint"
    assert counts(mailbox) == {"mails": 1, "complaints": 1}


def test_everything_is_counted_and_only_what_is_ours_is_marked(dovecot, user, mailbox, sent):
    key = str(sent.key)
    dovecot.drop(user, mail(NO_SUCH_USER, key))
    dovecot.drop(user, mail(NO_SUCH_USER, "00000000-0000-4000-8000-000000000000"))
    dovecot.drop(user, mail("reply-absence", key))
    dovecot.drop(user, b"From: bob@example.com\r\nSubject: Hello\r\n\r\nHow are you?\r\n")
    dovecot.drop(user, b"Subject: large\r\n\r\n" + b"x" * 5_000_001)

    tick()

    assert [flags for flags, _ in dovecot.mails(user)] == ["S", "", "S", "", ""]
    assert counts(mailbox) == {
        "mails": 5,
        "reports": 1,
        "replies": 1,
        "strangers": 1,
        "unknown": 1,
        "too_large": 1,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"to_address": "bob@example.com"},  # the report is about another recipient
        {"status": "new", "attempts": 0},  # nobody has it yet
    ],
)
def test_a_message_id_alone_proves_nothing(dovecot, user, mailbox, values):
    message = sent_message(mailbox.provider, **values)
    dovecot.drop(user, mail(NO_SUCH_USER, str(message.key)))

    tick()

    assert not ReceivedEvent.objects.exists()
    assert counts(mailbox) == {"mails": 1, "strangers": 1}


@pytest.mark.parametrize("has_token", [False, True])
def test_a_message_of_another_provider_is_not_touched(dovecot, user, mailbox, has_token):
    message = sent_message(make_provider(backend="smtp"))
    dovecot.drop(user, mail(NO_SUCH_USER, str(message.key), has_token=has_token))

    tick()

    assert not ReceivedEvent.objects.exists()


def test_a_token_proves_a_report_that_names_the_address_it_was_sent_on_to(
    dovecot, user, mailbox, sent
):
    report = mail(NO_SUCH_USER, str(sent.key), has_token=True, recipient="new@example.com")
    dovecot.drop(user, report)

    tick()
    apply()

    assert Suppression.objects.in_force().get().address == "ann@example.com"


def test_a_copy_that_bounces_does_not_fail_the_message(dovecot, user, mailbox):
    message = sent_message(mailbox.provider, cc_addresses="bob@example.com")
    dovecot.drop(user, mail(NO_SUCH_USER, str(message.key), recipient="bob@example.com"))

    tick()
    apply()

    message.refresh_from_db()
    assert message.status == "sent"
    assert Suppression.objects.in_force().get().address == "bob@example.com"


def test_a_mail_that_is_read_twice_changes_nothing(dovecot, user, mailbox, sent):
    dovecot.drop(user, mail(NO_SUCH_USER, str(sent.key)))
    for _ in range(2):
        BounceMailbox.objects.update(progress={}, due_at=NOW)
        tick()
        apply()

    assert (MessageEvent.objects.count(), Suppression.objects.count()) == (1, 1)
    assert not ReceivedEvent.objects.exists()


@pytest.mark.parametrize("point", ["settle", "progress"])
def test_who_dies_before_the_mark_loses_nothing_and_counts_nothing_twice(
    dovecot, user, mailbox, sent, monkeypatch, point
):
    dovecot.drop(user, mail(NO_SUCH_USER, str(sent.key)))
    with monkeypatch.context() as patched:
        patched.setattr(imap.ImapMailbox, point, _die)
        with pytest.raises(KeyboardInterrupt):
            tick()
    told_at_once = ReceivedEvent.objects.count()

    apply()
    later = NOW + bounces.LEASE
    tick(later)
    apply(later)

    assert told_at_once == 1
    assert MessageEvent.objects.count() == 1
    assert counts(mailbox) == {"mails": 1, "reports": 1}
    assert [flags for flags, _ in dovecot.mails(user)] == ["S"]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_mailbox_is_read_by_one_worker_at_a_time(mailbox):
    same = BounceMailbox.objects.get(pk=mailbox.pk)

    assert (bounces._take(mailbox, NOW), bounces._take(same, NOW)) == (True, False)


def test_a_long_mailbox_is_read_in_several_runs(dovecot, user, mailbox, monkeypatch):
    monkeypatch.setattr(bounces, "BATCH", 2)
    monkeypatch.setattr(bounces, "MOST", 4)
    for number in range(7):
        dovecot.drop(user, f"Subject: {number}\r\n\r\n".encode())

    looked_at = [tick(), tick(), tick()]

    assert looked_at == [4, 3, 0]
    assert counts(mailbox) == {"mails": 7, "unknown": 7}


def test_a_stop_is_heeded_between_two_mails_and_the_rest_is_read_later(dovecot, user, mailbox):
    for number in range(3):
        dovecot.drop(user, f"Subject: {number}\r\n\r\n".encode())
    answers = iter([False, True, True])

    first = bounces.read_due(NOW, time.monotonic() + 60, lambda: next(answers))

    assert (first, tick(NOW + bounces.PAUSE)) == (1, 2)
    assert counts(mailbox) == {"mails": 3, "unknown": 3}


def test_an_operator_decides_what_a_code_means(dovecot, user, mailbox, sent):
    ProviderStatus.objects.create(provider=mailbox.provider, code="5.1.1", outcome="temporary")
    dovecot.drop(user, mail(NO_SUCH_USER, str(sent.key)))

    tick()
    apply()

    sent.refresh_from_db()
    assert sent.status == "sent"
    assert not Suppression.objects.in_force().exists()


def test_a_mailbox_that_cannot_be_read_says_why_and_is_tried_ever_more_seldom(mailbox, caplog):
    BounceMailbox.objects.update(password="wrong")
    pauses, at = [], NOW
    for _ in range(3):
        tick(at)
        row = BounceMailbox.objects.get()
        pauses.append((row.due_at - at).total_seconds())
        at = row.due_at

    assert pauses == [50, 100, 200]
    assert "check user name and password" in row.last_error
    assert len(caplog.records) == 1


def test_a_mailbox_that_works_again_is_told_so(mailbox):
    BounceMailbox.objects.update(failures=5, last_error="No")

    tick()

    row = BounceMailbox.objects.get()
    assert (row.failures, row.last_error, row.last_read_at) == (0, "", NOW)
    assert row.due_at > NOW


def test_one_that_is_switched_off_or_not_due_is_left_alone(mailbox):
    BounceMailbox.objects.update(is_active=False)
    off = tick()
    BounceMailbox.objects.update(is_active=True, due_at=NOW + datetime.timedelta(seconds=1))

    assert (off, tick()) == (0, 0)
    assert BounceMailbox.objects.get().last_read_at is None


def test_a_password_that_no_key_opens_is_told(mailbox, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["another ring"]

    tick()

    assert "enter it again" in BounceMailbox.objects.get().last_error
