from __future__ import annotations

import socket
import time
import uuid

import asyncssh
import pytest
from django.utils import timezone

from integrations import hooks, passwords
from integrations.choices import Operation, Protocol
from integrations.models import EnvelopeEvent, Integration, SftpConnection
from integrations.protocols.sftp import partners, sessions, visitors
from integrations.protocols.sftp.lockout import FREE, Lockout
from tests.integrations.sftp.test_uploads import left_over, wait_until

pytestmark = pytest.mark.django_db
REFUSED = (asyncssh.Error, OSError)


def events(operation):
    return EnvelopeEvent.objects.filter(operation=operation).count()


def test_sign_in_is_written_down_once_a_minute(connect, running, partner):
    for _ in range(3):
        connect().stat(b"/", 0)
    running.settle()

    partner.refresh_from_db()
    assert partner.last_login_ip == "127.0.0.1"
    assert partner.last_login_at
    assert events(Operation.SIGNED_IN) == 1


@pytest.mark.parametrize("login", ["5d5ac2f4-6a2b-4a9e-9f0c-0c1f6d3f0b11", "root", "", "x" * 900])
def test_unknown_login_is_refused(connect, login):
    with pytest.raises(REFUSED):
        connect(login=login or "nobody")


def test_wrong_password_is_refused(connect):
    with pytest.raises(asyncssh.PermissionDenied):
        connect(password="wrong")


def test_connection_without_a_password_is_not_open_to_an_empty_one(connect):
    SftpConnection.objects.update(password_hash="")

    for password in ("", "None"):
        with pytest.raises(asyncssh.PermissionDenied):
            connect(password=password or " ")


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"protocol": Protocol.AS2},
        {"mailbox__is_active": False},
        {"mailbox__account__is_active": False},
    ],
)
def test_what_is_switched_off_refuses_as_an_unknown_login_does(connect, partner, change):
    ((path, value),) = change.items()
    *steps, name = path.split("__")
    row = partner.integration
    for step in steps:
        row = getattr(row, step)
    type(row).objects.filter(pk=row.pk).update(**{name: value})

    with pytest.raises(asyncssh.PermissionDenied):
        connect()


def test_every_refusal_takes_a_hash(partner, monkeypatch):
    hashed = []
    monkeypatch.setattr(passwords, "check", lambda *args: hashed.append(args) or False)

    for login in ("nobody", str(uuid.uuid4()), str(partner.login)):
        partners.by_password(login, "wrong", "127.0.0.1")

    assert len(hashed) == 3


def test_partner_comes_from_the_networks_that_are_named(partner, connect):
    SftpConnection.objects.update(allowed_networks="203.0.113.0/24\n2001:db8::/32")
    with pytest.raises(asyncssh.PermissionDenied):
        connect()
    assert partners.by_login(str(partner.login), "203.0.113.9")
    assert partners.by_login(str(partner.login), "::ffff:203.0.113.9")
    assert partners.by_login(str(partner.login), "2001:db8::1")

    SftpConnection.objects.update(allowed_networks="nonsense")

    assert partners.by_login(str(partner.login), "203.0.113.9") is None


def test_partner_signs_in_with_a_public_key(clients, make_key, running):
    key = make_key()
    SftpConnection.objects.update(
        authorized_keys=f"# ours\nnonsense\n{key.with_suffix('.pub').read_text()}"
    )
    clients.password = "wrong"

    result = clients.sftp("ls -1 /", options=("-i", str(key)))

    assert "/inbox" in result.stdout
    running.settle()
    assert EnvelopeEvent.objects.get(operation=Operation.SIGNED_IN).text == "by SFTP with a key"


def test_key_of_somebody_else_is_refused(clients, make_key):
    SftpConnection.objects.update(authorized_keys=make_key("a").with_suffix(".pub").read_text())
    clients.password = "wrong"

    result = clients.sftp("ls -1 /", options=("-i", str(make_key("b"))))

    assert result.returncode != 0
    assert "/inbox" not in result.stdout


@pytest.mark.parametrize(
    ("kind", "options", "number"),
    [
        ("ssh-ed25519", {}, 1),
        ("ecdsa-sha2-nistp256", {}, 1),
        ("ssh-rsa", {"key_size": 2048}, 1),
        ("ssh-rsa", {"key_size": 1024}, 0),
        ("ssh-dss", {}, 0),
    ],
)
def test_weak_keys_let_nobody_in(partner, kind, options, number):
    key = asyncssh.generate_private_key(kind, **options)
    SftpConnection.objects.update(authorized_keys=key.export_public_key().decode())

    found = partners.by_login(str(partner.login), "127.0.0.1")

    assert len(found.keys) == number


def test_key_that_is_shown_and_not_proved_lets_nobody_in(connect, running, make_key, monkeypatch):
    """Its public half is all that is known: the signature is by another key."""
    known, is_known = [], sessions.Session.validate_public_key

    async def watched(*args):
        known.append(await is_known(*args))
        return known[-1]

    monkeypatch.setattr(sessions.Session, "validate_public_key", watched)
    public = make_key("a").with_suffix(".pub")
    SftpConnection.objects.update(authorized_keys=public.read_text())
    other = asyncssh.read_private_key(make_key("b"))
    pair = asyncssh.load_keypairs([other])[0]
    pair.public_data = asyncssh.read_public_key(public).public_data

    with pytest.raises(REFUSED):
        connect(password="wrong", client_keys=[pair])

    assert known == [True, True]
    assert not running.server.visitors.signed_in()


def test_after_five_wrong_passwords_an_address_waits(connect, running, partner, monkeypatch):
    told = []
    monkeypatch.setattr(hooks, "locked_out", lambda *args, at: told.append(args))
    for _ in range(FREE):
        with pytest.raises(asyncssh.PermissionDenied):
            connect(password="wrong")

    with pytest.raises(REFUSED):
        connect()

    running.settle()
    assert told == [(partner.integration, "127.0.0.1")]
    assert events(Operation.LOCKED_OUT) == 1
    assert not running.server.visitors.signed_in()


def test_wait_doubles_up_to_a_quarter_of_an_hour():
    lockout, now, waits = Lockout(), 0.0, []
    for _ in range(FREE - 1):
        assert not lockout.failed("192.0.2.1", "x", now=now)
    for _ in range(12):
        assert lockout.failed("192.0.2.1", "x", now=now)
        wait = 0.0
        while lockout.is_locked("192.0.2.1", now=now + wait):
            wait += 1.0
        waits.append(wait)
        now += wait

    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == 900.0


def test_address_is_locked_whatever_login_it_tries():
    lockout = Lockout()
    for number in range(FREE):
        lockout.failed("192.0.2.1", str(number), now=0.0)

    assert lockout.is_locked("192.0.2.1", "another", now=1.0)
    assert not lockout.is_locked("192.0.2.2", "0", now=1.0)


def test_neighbours_of_one_ipv6_network_are_one_address():
    lockout = Lockout()
    for number in range(FREE):
        lockout.failed(f"2001:db8::{number}", "x", now=0.0)

    assert lockout.is_locked("2001:db8::ffff", now=1.0)
    assert not lockout.is_locked("2001:db8:1::1", now=1.0)


def test_failures_are_forgotten_in_time():
    lockout = Lockout()
    for _ in range(FREE - 1):
        lockout.failed("192.0.2.1", "x", now=0.0)

    assert not lockout.failed("192.0.2.1", "x", now=10_000.0)


def test_lockout_remembers_a_bounded_number_of_addresses(monkeypatch):
    monkeypatch.setattr("integrations.protocols.sftp.lockout.MOST", 10)
    lockout = Lockout()

    for number in range(100):
        lockout.failed(f"192.0.2.{number}", "x", now=0.0)

    assert len(lockout._records) == 10


def test_only_so_many_sessions_at_a_time(connect):
    SftpConnection.objects.update(max_sessions=2)
    first = connect()
    connect()
    with pytest.raises(REFUSED):
        connect().stat(b"/", 0)

    first.close()

    assert connect().stat(b"/", 0)


def test_only_so_many_may_wait_at_the_door(running, monkeypatch):
    monkeypatch.setattr(visitors, "MOST_AT_THE_DOOR", 3)
    callers = [socket.create_connection(("127.0.0.1", running.port), 5) for _ in range(3)]
    wait_until(lambda: len(running.server.visitors.sessions) == 3)

    with socket.create_connection(("127.0.0.1", running.port), 5) as late:
        assert late.recv(100) == b""
    for caller in callers:
        assert caller.recv(100).startswith(b"SSH-2.0-")
        caller.close()


def test_passwords_are_tried_three_times_in_a_connection(running, monkeypatch):
    tried = []
    session = sessions.Session(running.server.visitors, running.server._threads)
    monkeypatch.setattr(partners, "by_password", lambda *args: tried.append(args))

    async def try_often():
        for _ in range(10):
            await session.validate_password("nobody", "wrong")

    with pytest.raises(asyncssh.DisconnectError):
        running.call(try_often())

    assert len(tried) == sessions.MOST_PASSWORDS


@pytest.mark.parametrize(
    "change",
    [
        lambda row: Integration.objects.filter(pk=row.pk).update(active=False),
        lambda row: Integration.objects.filter(pk=row.pk).update(protocol=Protocol.AS2),
        lambda row: row.renew(),
        lambda row: passwords.generate(row.sftp, None, timezone.now()),
    ],
    ids=["off", "protocol", "saved", "password"],
)
def test_live_session_ends_when_the_integration_changes(connect, running, partner, media, change):
    wire = connect()
    wire.write(wire.create(b"/coutbox/half.edi"), 0, b"x")
    change(partner.integration)

    running.look()

    with pytest.raises(asyncssh.SFTPError):
        wire.stat(b"/", 0)
    wait_until(lambda: not running.server.visitors.sessions)
    running.settle()
    assert left_over(media) == []


def test_upload_that_is_closed_after_the_switch_off_is_no_document(connect, partner, media):
    wire = connect()
    handle = wire.create(b"/coutbox/late.edi")
    Integration.objects.update(active=False)

    with pytest.raises(asyncssh.SFTPError, match="closed by the operator"):
        wire.close_handle(handle)

    assert left_over(media) == []


def test_other_sessions_go_on(connect, running):
    wire = connect()

    running.look()

    assert wire.stat(b"/", 0)


def test_idle_session_ends(connect, running):
    wire = connect()
    running.server.visitors.dismiss_idle(now=time.monotonic())
    assert wire.stat(b"/", 0)

    async def later():
        running.server.visitors.dismiss_idle(now=time.monotonic() + visitors.IDLE_SECONDS + 1)

    running.call(later())

    with pytest.raises(asyncssh.SFTPError):
        wire.stat(b"/", 0)


def test_new_password_is_long_and_only_its_hash_is_kept(partner):
    assert len(partner.password) == 24
    assert partner.password not in partner.password_hash
    assert passwords.check(partner.password_hash, partner.password)
    before = partner.integration.generation

    another = passwords.generate(partner, None, timezone.now())

    partner.refresh_from_db()
    partner.integration.refresh_from_db()
    assert not passwords.check(partner.password_hash, partner.password)
    assert passwords.check(partner.password_hash, another)
    assert partner.integration.generation == before + 1
    assert events(Operation.PASSWORD) == 2
    assert not EnvelopeEvent.objects.filter(text__contains=another)
