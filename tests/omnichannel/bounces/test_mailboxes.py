"""Both protocols against a real server."""

from __future__ import annotations

import itertools

import pytest

from omnichannel.mailbox import MailboxTrouble, mailbox_of
from omnichannel.mailbox.base import TOO_LARGE

PROTOCOLS = ("imap", "pop3")


def mail(text: str) -> bytes:
    return f"From: ann@example.com\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()


def subject(raw: bytes) -> str:
    return raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode()


def read(access, progress=None, *, most=10, settle=None):
    """({uid: subject}, progress) of one batch; `settle`: takes the uids, answers the done ones."""
    box = mailbox_of(access)
    box.open(20, most)
    try:
        found = {each.uid: subject(each.raw) for each in box.mails(progress or {}, most)}
        box.settle(settle(list(found)) if settle else [])
        return list(found.values()), box.progress()
    finally:
        box.close()


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_mailbox_is_signed_in_to_with_a_password_beyond_ascii(access, protocol, security):
    box = mailbox_of(access(protocol, security))
    try:
        box.open(20, 0)
        said = box.check()
    finally:
        box.close()

    assert "holds 0 mails" in said
    assert said.startswith("Not encrypted." if security == "none" else "Encrypted with TLSv1")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_mails_are_read_once_and_in_order(dovecot, user, access, protocol):
    for text in ("one", "two", "three"):
        dovecot.drop(user, mail(text))

    first, progress = read(access(protocol), most=2)
    second, progress = read(access(protocol), progress, most=2)
    third, _ = read(access(protocol), progress, most=2)

    assert [first, second, third] == [["one", "two"], ["three"], []]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_not_settled_stays_unread(dovecot, user, access, protocol):
    dovecot.drop(user, mail("one"))

    read(access(protocol))

    [(flags, _)] = dovecot.mails(user)
    assert "S" not in flags or protocol == "pop3"


def test_read_mail_is_marked(dovecot, user, access):
    for text in ("one", "two"):
        dovecot.drop(user, mail(text))

    read(access(), settle=lambda uids: uids[1:])

    assert [flags for flags, _ in dovecot.mails(user)] == ["", "S"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_read_mail_is_deleted(dovecot, user, access, protocol):
    for text in ("one", "two", "three"):
        dovecot.drop(user, mail(text))

    read(access(protocol, after_reading="delete"), settle=lambda uids: uids[:2])

    assert [subject(raw) for _, raw in dovecot.mails(user)] == ["three"]


def test_read_mail_is_moved_to_a_folder_that_is_made(dovecot, user, access):
    for text in ("one", "two"):
        dovecot.drop(user, mail(text))

    read(access(after_reading="move", move_to="Done"), settle=lambda uids: uids[:1])

    assert [subject(raw) for _, raw in dovecot.mails(user)] == ["two"]
    assert [subject(raw) for _, raw in dovecot.mails(user, "Done")] == ["one"]


def test_deletion_by_pop3_that_was_not_said_goodbye_to_did_not_happen(dovecot, user, access):
    dovecot.drop(user, mail("one"))
    box = mailbox_of(access("pop3", after_reading="delete"))
    box.open(20, 10)
    [found] = box.mails({}, 10)

    box._pop.dele(box.numbers[found.uid])
    box.close()

    assert len(dovecot.mails(user)) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_mail_that_is_too_large_is_named_and_not_read(dovecot, user, access, protocol):
    dovecot.drop(user, mail("big") + b"x" * 76 + (b"\r\n" + b"x" * 76) * (TOO_LARGE // 78))
    dovecot.drop(user, mail("small"))
    box = mailbox_of(access(protocol))
    box.open(20, 10)

    found = [(each.size > TOO_LARGE, each.raw is None) for each in box.mails({}, 10)]

    box.close()
    assert found == [(True, True), (False, False)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_a_long_mail_the_beginning_is_read(dovecot, user, access, protocol):
    dovecot.drop(user, mail("long") + b"\r\n".join(itertools.repeat(b".x" * 40, 12_000)))
    dovecot.drop(user, mail("one line") + b"y" * 400_000)
    dovecot.drop(user, mail("short"))
    box = mailbox_of(access(protocol))
    box.open(20, 10)

    found = [(subject(each.raw), len(each.raw)) for each in box.mails({}, 10)]

    box.close()
    assert [text for text, _ in found] == ["long", "one line", "short"]
    assert max(size for _, size in found) == 262_144


def test_a_folder_made_anew_is_read_from_its_beginning(dovecot, user, access):
    dovecot.drop(user, mail("one"))
    _, progress = read(access())

    again, _ = read(access(), {**progress, "validity": "1"})

    assert again == ["one"]


def test_a_folder_that_is_not_there_is_named(access):
    with pytest.raises(MailboxTrouble, match="There is no folder Bounces"):
        read(access(folder="Bounces"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_password_is_told(access, protocol):
    with pytest.raises(MailboxTrouble, match="check user name and password"):
        read(access(protocol, password="wrong"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_of_nobody_we_know_is_told(access, protocol):
    with pytest.raises(MailboxTrouble, match=r"certificate of .* is not valid"):
        read(access(protocol, "tls", ca_certificate=""))
