"""Mailboxes that misbehave: told in words, in time, and nothing is lost."""

from __future__ import annotations

import time

import pytest

from omnichannel import bounces
from omnichannel.mailbox import Access, MailboxTrouble, mailbox_of
from omnichannel.models import BounceMailbox, ReceivedEvent
from tests.factories import NOW, make_mailbox, make_message
from tests.omnichannel.bounces.corpus_mails import mail
from tests.servers.scripted import DROP, HANG, Scripted

IMAP = "* OK ready"
POP3 = "+OK ready"
SELECTED = "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 3] x\r\n{tag} OK done"
CAPABLE = "* CAPABILITY IMAP4rev1\r\n{tag} OK done"
FOUND = "* SEARCH 1 2\r\n{tag} OK done"
SIZES = "* 1 FETCH (UID 1 RFC822.SIZE 100)\r\n* 2 FETCH (RFC822.SIZE 100 UID 2)\r\n{tag} OK done"
USUAL = {"CAPABILITY": CAPABLE, "SELECT": SELECTED, "SEARCH": FOUND, "RFC822.SIZE": SIZES}


def fetched(uid: int, raw: bytes) -> str:
    return (
        f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}\r\n{raw.decode()})\r\n{{tag}} OK done"
    )


def read(server, seconds=10.0, protocol="imap", **values):
    """(mails that were read, the trouble that ended it)."""
    place = {"protocol": protocol, "host": "127.0.0.1", "port": server.port, "security": "none"}
    box = mailbox_of(Access(**{**place, "user": "u", "password": "p", **values}))
    found = []
    try:
        box.open(seconds, 10)
        for each in box.mails({}, 10):
            found.append(each)
        box.settle([each.uid for each in found])
    except MailboxTrouble as trouble:
        return found, str(trouble)
    finally:
        box.close()
    return found, ""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            {"LOGIN": "{tag} NO [AUTHENTICATIONFAILED] wrong"},
            "password. [AUTHENTICATIONFAILED] wrong",
        ),
        ({"LOGIN": DROP}, "signing in"),
        ({"LOGIN": "* BYE too many" + DROP}, "signing in"),
        ({"SELECT": "{tag} NO no such folder"}, "There is no folder INBOX"),
        ({"SELECT": "nonsense" + DROP}, "opening the folder"),
        ({"SEARCH": "{tag} BAD what"}, "searching"),
        ({"SEARCH": "* SEARCH one two\r\n{tag} OK done"}, "strange answer"),
        ({"RFC822.SIZE": DROP}, "searching"),
        ({"BODY": "* 1 FETCH (UID 1 BODY[]<0> {100}\r\nhalf of it" + DROP}, "reading a mail"),
        ({"BODY": "* 1 FETCH (UID 1 BODY[]<0> {9999999999}\r\nx" + DROP}, "longer than allowed"),
    ],
)
def test_a_fault_of_an_imap_server_is_told_with_its_stage(script, words):
    with Scripted(IMAP, {**USUAL, **script}) as server:
        _, trouble = read(server)

    assert words in trouble
    assert len(trouble) < 500


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"PASS": "-ERR wrong"}, "check user name and password"),
        ({"UIDL": DROP}, "listing the mails"),
        ({"LIST": "+OK\r\none two\r\n."}, "strange answer"),
        ({"UIDL": "-ERR not here"}, "listing the mails"),
        ({"RETR": "+OK\r\nhalf of it" + DROP}, "reading a mail"),
        ({"QUIT": "-ERR nothing was deleted"}, "deleting what was read"),
    ],
)
def test_a_fault_of_a_pop3_server_is_told_with_its_stage(script, words):
    usual = {"LIST": "+OK\r\n1 100\r\n.", "UIDL": "+OK\r\n1 a\r\n.", "RETR": "+OK\r\nmail\r\n."}
    with Scripted(POP3, {**usual, **script}, usual="+OK") as server:
        _, trouble = read(server, protocol="pop3", after_reading="delete")

    assert words in trouble


@pytest.mark.parametrize("stage", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "BODY"])
def test_a_server_that_hangs_is_given_up(stage):
    with Scripted(IMAP, {**USUAL, stage: HANG}) as server:
        _, trouble = read(server, seconds=0.3)

    assert "did not answer in time" in trouble


@pytest.mark.parametrize(("protocol", "greeting"), [("imap", IMAP), ("pop3", POP3)])
def test_a_password_is_not_said_where_encryption_is_not_offered(protocol, greeting):
    script = {"CAPABILITY": CAPABLE, "CAPA": "+OK\r\nUIDL\r\n."}
    with Scripted(greeting, script, usual="+OK") as server:
        _, trouble = read(server, protocol=protocol, security="starttls")

    assert "does not offer STARTTLS" in trouble
    assert not [line for line in server.lines if "LOGIN" in line or "PASS" in line]


def test_a_password_that_cannot_be_said_is_told():
    with Scripted(IMAP, USUAL) as server:
        _, trouble = read(server, password="Pässword")

    assert "plain letters and digits only" in trouble


def test_a_folder_with_few_mails_among_many_numbers_is_searched_in_steps():
    selected = SELECTED.replace("UIDNEXT 3", "UIDNEXT 50001")
    empty, found = "* SEARCH\r\n{tag} OK done", "* SEARCH 40005\r\n{tag} OK done"
    script = {
        "SELECT": selected,
        "SEARCH": [empty, empty, found],
        "RFC822.SIZE": "* 1 FETCH (UID 40005 RFC822.SIZE 100)\r\n{tag} OK done",
        "BODY": fetched(40005, b"Subject: a\r\n\r\n"),
    }
    with Scripted(IMAP, {**USUAL, **script}) as server:
        mails, trouble = read(server)

    searched = [line.split("UID ")[2] for line in server.lines if "SEARCH" in line]
    assert ([each.uid for each in mails], trouble) == (["40005"], "")
    assert searched == ["1:20000 UNDELETED", "20001:40000 UNDELETED", "40001:* UNDELETED"]


def test_nothing_else_is_expunged_by_a_server_that_cannot_expunge_one_mail():
    bodies = [fetched(1, b"Subject: a\r\n\r\n"), fetched(2, b"Subject: b\r\n\r\n")]
    with Scripted(IMAP, {"BODY": bodies, **USUAL}) as server:
        _, trouble = read(server, after_reading="delete")

    assert trouble == ""
    assert r"UID STORE 1,2 +FLAGS.SILENT (\Deleted)" in server.lines[-1]


def test_a_server_that_cannot_move_copies_and_deletes():
    bodies = [fetched(1, b"Subject: a\r\n\r\n"), fetched(2, b"Subject: b\r\n\r\n")]
    copies = ["{tag} NO [TRYCREATE] no such folder", "{tag} OK done"]
    with Scripted(IMAP, {"BODY": bodies, "COPY": copies, **USUAL}) as server:
        _, trouble = read(server, after_reading="move", move_to="Done")

    commands = [line.split(" ", 1)[1] for line in server.lines[-4:]]
    assert trouble == ""
    assert commands == [
        'UID COPY 1,2 "Done"',
        'CREATE "Done"',
        'UID COPY 1,2 "Done"',
        r"UID STORE 1,2 +FLAGS.SILENT (\Deleted)",
    ]


def test_a_folder_name_cannot_say_a_command():
    with Scripted(IMAP, {"SELECT": "{tag} NO none", "CAPABILITY": CAPABLE}) as server:
        read(server, folder='a" "b\\')

    assert server.lines[-1].endswith('SELECT "a\\" \\"b\\\\"')


@pytest.mark.django_db
def test_what_was_read_before_the_connection_broke_is_kept_and_read_again():
    mailbox = make_mailbox(security="none", password="p")
    message = make_message(
        provider=mailbox.provider, to_address="ann@example.com", status="sent", attempts=1
    )
    good = fetched(1, mail("dsn-postfix-no-such-user", str(message.key)))
    with Scripted(IMAP, {"BODY": [good, DROP], **USUAL}) as server:
        BounceMailbox.objects.update(port=server.port)
        bounces.read_due(NOW, time.monotonic() + 60, lambda: False)

    row = BounceMailbox.objects.get()
    assert ReceivedEvent.objects.get().type == "bounced"
    assert not [line for line in server.lines if "STORE" in line]
    assert (row.progress, row.mails, row.failures) == ({}, 0, 1)
    assert "reading a mail" in row.last_error


@pytest.mark.django_db
def test_an_operator_who_changes_the_mailbox_while_it_is_read_is_not_overruled():
    mailbox = make_mailbox(security="none", password="p")
    bodies = [fetched(1, b"Subject: a\r\n\r\n"), fetched(2, b"Subject: b\r\n\r\n")]
    bounces._take(mailbox, NOW)
    with Scripted(IMAP, {"BODY": bodies, **USUAL}) as server:
        mailbox.port = server.port
        BounceMailbox.objects.update(due_at=NOW, progress={"uid": 0})
        bounces._read_out(mailbox, NOW, time.monotonic() + 60, lambda: False)

    row = BounceMailbox.objects.get()
    assert (row.progress, row.mails, row.due_at, row.last_error) == ({"uid": 0}, 0, NOW, "")
