"""What mails say, by recorded styles of relays."""

from __future__ import annotations

import uuid

import pytest

from omnichannel.backends.return_path import address_for, key_of, keys_in, token_of
from omnichannel.returned import Kind, read
from tests.omnichannel.bounces.corpus_mails import mail, names

KEY = "0b2d9c86-3f5e-4a51-9c7f-d1f8a3b0c2e4"
SAID = {
    "dsn-postfix-no-such-user": ("bounced", "rejected", "5.1.1"),
    "dsn-postfix-delayed": ("deferred", "temporary", "4.4.1"),
    "dsn-exim-words-no-such-user": ("bounced", "rejected", "5.1.1"),
    "dsn-exim-quota": ("failed", "rejected", "5.2.2"),
    "dsn-sendmail-no-such-user": ("bounced", "rejected", "5.1.1"),
    "dsn-qmail-no-such-user": ("bounced", "rejected", "5.1.1"),
    "dsn-office365-no-such-user": ("bounced", "rejected", "5.1.10"),
    "dsn-gmail-policy": ("failed", "rejected", "5.7.1"),
    "dsn-ses-no-such-user": ("bounced", "rejected", "5.1.1"),
}


def report(*blocks: str, text: str = "", headers: str = "") -> bytes:
    """A delivery report with a block of fields for each recipient."""
    status = "\n\n".join(("Reporting-MTA: dns; mx.example.com", *blocks))
    return f"""From: MAILER-DAEMON@example.com
Subject: Undelivered
Message-ID: <r1@example.com>
{headers}Content-Type: multipart/report; report-type=delivery-status; boundary=b1

--b1

{text}
--b1
Content-Type: message/delivery-status

{status}

--b1
Content-Type: text/rfc822-headers

Message-ID: <{KEY}@example.com>

--b1--
""".encode()


def block(**fields: str) -> str:
    fields = {"Final-Recipient": "rfc822; ann@example.com", "Action": "failed", **fields}
    return "\n".join(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())


def said(raw: bytes) -> list[tuple[str, str]]:
    return [(each.type, each.code) for each in read(raw).recipients]


def test_the_corpus_is_told_whole():
    assert names("dsn-") == sorted(SAID)
    assert len(names("reply-")) == 10


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize("name", names("dsn-"))
def test_a_report_is_understood(name, has_token):
    found = read(mail(name, KEY, has_token=has_token))

    [recipient] = found.recipients
    assert found.kind == Kind.REPORT
    assert recipient.addresses == ("ann@example.com",)
    assert (recipient.type, recipient.outcome, recipient.code) == SAID[name]
    assert (found.named, found.proven) == ((KEY,), (KEY,) if has_token else ())
    assert recipient.text


def test_a_complaint_is_understood():
    found = read(mail("arf-abuse", KEY, has_token=True))

    [recipient] = found.recipients
    assert (found.kind, recipient.type) == (Kind.COMPLAINT, "complained")
    assert recipient.addresses == ("ann@example.com",)
    assert (found.named, found.proven) == ((KEY,), (KEY,))


@pytest.mark.parametrize("kind", [b"not-spam", b"auth-failure"])
def test_feedback_that_is_no_complaint_is_ignored(kind):
    found = read(mail("arf-abuse", KEY).replace(b": abuse", b": " + kind))

    assert (found.kind, found.recipients) == (Kind.REPLY, ())


@pytest.mark.parametrize("name", names("reply-"))
def test_an_automatic_reply_is_ignored(name):
    found = read(mail(name, KEY, has_token=True))

    assert (found.kind, found.recipients) == (Kind.REPLY, ())


def test_what_a_person_wrote_is_not_understood():
    raw = b"From: ann@example.com\nSubject: Re: Hello\n\n<bob@example.com>:\n550 5.1.1 no\n"

    assert (read(raw).kind, read(raw).recipients) == (Kind.UNKNOWN, ())


def test_a_report_tells_of_several_recipients():
    raw = report(
        block(Status="5.1.1"),
        block(Final_Recipient="rfc822; bob@example.com", Status="4.2.2", Action="delayed"),
        block(Final_Recipient="rfc822;cyd@example.com", Status="2.1.5", Action="delivered"),
        block(Final_Recipient="rfc822;dan@example.com", Status="2.0.0", Action="relayed"),
        block(Final_Recipient="rfc822;eve@example.com", Status="2.0.0", Action="Expanded (list)"),
    )

    assert said(raw) == [
        ("bounced", "5.1.1"),
        ("deferred", "4.2.2"),
        ("delivered", "2.1.5"),
        ("sent", "2.0.0"),
        ("delivered", "2.0.0"),
    ]


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.1.1", "smtp; 550 5.1.1 no such user", ("bounced", "5.1.1")),
        ("5.2.2", "smtp; 552 5.2.2 mailbox full", ("failed", "5.2.2")),
        ("5.7.1", "smtp; 550 5.7.1 refused", ("failed", "5.7.1")),
        ("5.7.708", "smtp; 550 5.7.708 traffic not accepted", ("failed", "5.7.708")),
        ("4.4.7", "smtp; 421 4.4.7 queue time is over", ("failed", "4.4.7")),
        ("5.0.0", "smtp; 550 5.1.1 no such user", ("bounced", "5.1.1")),
        ("5.0.0", "smtp; 550 user unknown", ("bounced", "5.1.1")),
        ("5.0.0", "smtp; 552 over quota", ("failed", "5.2.2")),
        ("5.0.0", "smtp; 554 blocked, listed as spam", ("failed", "5.7.1")),
        ("5.0.0", "smtp; 550 something", ("failed", "5.0.0")),
        ("", "smtp; 550 no mailbox here by that name", ("bounced", "5.1.1")),
        ("", "", ("failed", "")),
        ("5.2.1", "smtp; 550 5.2.1 disabled", ("bounced", "5.2.1")),
        ("5.2.1", "smtp; 550 5.2.1 gets mail at a rate too high", ("failed", "5.2.1")),
    ],
)
def test_only_an_address_that_is_gone_bounces(status, diagnostic, expected):
    assert said(report(block(Status=status, Diagnostic_Code=diagnostic))) == [expected]


def test_a_report_without_actions_goes_by_its_codes():
    permanent, passing = (
        block(Action="", Status=status, Diagnostic_Code="smtp; x") for status in ("5.1.1", "4.4.1")
    )

    assert said(report(permanent, passing)) == [("bounced", "5.1.1"), ("deferred", "4.4.1")]


def test_the_original_recipient_comes_first_with_its_xtext_opened():
    original = block(Original_Recipient="rfc822;ann+2Bshop@example.com", Status="5.1.1")

    [recipient] = read(report(original)).recipients

    assert recipient.addresses == (
        "ann+2Bshop@example.com",
        "ann+shop@example.com",
        "ann@example.com",
    )


def test_a_token_names_its_message_whatever_happens_to_its_letters():
    address = address_for(KEY, "bounces@example.com")

    assert len(address.partition("@")[0]) <= 64
    assert list(keys_in(f"To: <{address.upper()}>, x+{'a' * 39}@example.com")) == [KEY]


def test_a_token_is_not_made_up(settings):
    token = token_of(KEY)
    forged = ("b" if token[0] == "a" else "a") + token[1:]

    assert key_of(token) == KEY
    assert key_of(forged) == ""
    assert key_of("not a token") == ""
    settings.SECRET_KEY = "another"
    assert key_of(token) == ""


def test_a_token_stays_valid_while_the_old_secret_key_is_kept(settings):
    token = token_of(KEY)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a newer one"

    assert key_of(token) == KEY


def test_every_key_has_a_token_and_what_is_no_key_has_none():
    keys = [str(uuid.uuid4()) for _ in range(50)]

    assert [key_of(token_of(key)) for key in keys] == keys
    assert address_for("no-uuid", "bounces@example.com") == "bounces@example.com"


def test_a_report_of_words_in_another_tongue_counts_when_its_token_is_valid():
    to = address_for(KEY, "bounces@example.com")
    raw = f"""Return-Path: <>
From: postmaster@example.com
To: {to}
Subject: Undeliverable

Konnte nicht zugestellt werden: 550 5.1.1 unbekannt
""".encode()

    [recipient] = read(raw).recipients

    assert (recipient.type, recipient.code, recipient.addresses) == ("bounced", "5.1.1", ())
    assert not read(raw.replace(to.encode(), b"bounces@example.com")).recipients
