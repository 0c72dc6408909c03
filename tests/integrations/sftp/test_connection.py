"""SSH itself: what it is for here, and what it is not."""

from __future__ import annotations

import socket
import stat
import subprocess

import asyncssh
import pytest
from django.utils import timezone

from integrations import host_key
from integrations.choices import Operation
from integrations.exceptions import IntegrationError
from integrations.models import EnvelopeEvent
from integrations.protocols.sftp import server, sessions
from tests.integrations.sftp.conftest import Running
from tests.integrations.sftp.test_uploads import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def var_dir(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()
    return settings.VAR_DIR


def test_there_is_no_shell_and_no_command(clients):
    assert clients.ssh().returncode != 0
    assert clients.ssh("id").returncode != 0
    assert "uid=" not in clients.ssh("id").stdout
    assert clients.ssh("-s", "netconf").returncode != 0


def test_there_is_no_terminal(clients):
    assert clients.ssh("id", options=("-tt",)).returncode != 0


def test_no_port_is_forwarded(clients, connect):
    wire = connect()

    with pytest.raises(asyncssh.ChannelOpenError):
        wire.call(wire.connection.open_connection("127.0.0.1", wire.port))
    with pytest.raises(asyncssh.ChannelListenError):
        wire.call(wire.connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", wire.port))


def test_no_socket_is_forwarded(connect):
    wire = connect()

    with pytest.raises(asyncssh.ChannelOpenError):
        wire.call(wire.connection.open_unix_connection("/tmp/x"))


def test_neither_agent_nor_x11_is_forwarded(connect):
    wire = connect()

    with pytest.raises(asyncssh.ChannelOpenError):
        wire.call(wire.connection.create_process(x11_forwarding=True, x11_display=":0"))


def test_only_so_many_channels_in_a_connection(connect):
    wire = connect()
    for _ in range(sessions.MOST_CHANNELS - 1):
        wire.call(wire.connection.start_sftp_client())
    with pytest.raises(asyncssh.ChannelOpenError):
        wire.call(wire.connection.start_sftp_client())

    wire.sftp.exit()
    wire.call(wire.sftp.wait_closed())

    assert wire.call(wire.connection.start_sftp_client())


@pytest.mark.parametrize(
    "options",
    [
        {"kex_algs": ["diffie-hellman-group14-sha1"]},
        {"kex_algs": ["diffie-hellman-group1-sha1"]},
        {"encryption_algs": ["aes128-cbc"]},
        {"encryption_algs": ["3des-cbc"]},
        {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-md5"]},
        {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha1"]},
        {"server_host_key_algs": ["ssh-rsa"]},
        {"compression_algs": ["zlib@openssh.com"]},
    ],
    ids=str,
)
def test_weak_algorithms_are_not_spoken(connect, options):
    with pytest.raises(asyncssh.Error):
        connect(**options)


@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "aes128-ctr"])
def test_sound_algorithms_are_spoken(connect, cipher):
    assert connect(encryption_algs=[cipher]).stat(b"/", 0)


def test_caller_who_does_not_sign_in_is_shown_out(partner, monkeypatch):
    monkeypatch.setattr(server, "LOGIN_SECONDS", 0.3)
    running = Running()
    try:
        with socket.create_connection(("127.0.0.1", running.port), 5) as caller:
            said = b"".join(iter(lambda: caller.recv(4096), b""))
        assert said.startswith(b"SSH-2.0-Studio")
        wait_until(lambda: not running.server.visitors.sessions)
    finally:
        running.end()


def test_caller_who_speaks_no_ssh_does_no_harm(running, connect):
    for said in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100_000, b"SSH-2.0-x\r\n" + b"\xff" * 1000):
        with socket.create_connection(("127.0.0.1", running.port), 5) as caller:
            caller.sendall(said)
    wait_until(lambda: not running.server.visitors.sessions)

    assert connect().stat(b"/", 0)


def test_host_key_is_made_once_for_its_owner_only(var_dir):
    first = host_key.fingerprint()

    assert first.startswith("SHA256:")
    assert host_key.fingerprint() == first
    assert stat.S_IMODE(host_key.path().stat().st_mode) == 0o600
    assert [path.name for path in var_dir.iterdir()] == [host_key.path().name]


def test_fingerprint_is_the_one_that_openssh_shows(var_dir, program):
    host_key.load()

    shown = subprocess.run(
        [program("ssh-keygen"), "-l", "-f", str(host_key.path())],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert host_key.fingerprint() in shown


def test_replaced_host_key_is_written_down_and_shown_to_who_comes_next(var_dir, running, connect):
    before = connect().connection.get_server_host_key().get_fingerprint()

    after = host_key.replace(None, timezone.now())
    running.look()

    assert after != before
    assert connect().connection.get_server_host_key().get_fingerprint() == after
    entry = EnvelopeEvent.objects.get(operation=Operation.HOST_KEY)
    assert entry.detail == {"before": before, "after": after}


def test_host_key_that_cannot_be_read_says_what_to_do(var_dir):
    host_key.path().write_text("nonsense")

    with pytest.raises(IntegrationError, match="backup"):
        host_key.load()
