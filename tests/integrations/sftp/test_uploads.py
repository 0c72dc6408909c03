from __future__ import annotations

import hashlib
import os
import time

import asyncssh
import pytest

from integrations import blobs
from integrations.blobs import SCRATCH
from integrations.choices import Operation, TransmissionStatus
from integrations.models import Blob, EnvelopeEvent, FolderFile, SftpConnection, Transmission
from integrations.protocols.sftp import partners
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.threads import Threads
from integrations.protocols.sftp.uploads import PIECES, Upload

pytestmark = pytest.mark.django_db
MEGABYTE = 1024 * 1024


def names():
    return sorted(Transmission.objects.values_list("filename", flat=True))


def left_over(media):
    """Files that are no document of any row."""
    known = {blob.path for blob in Blob.objects.all()}
    return [path for path in media.rglob("*") if path.is_file() and path not in known]


def wait_until(true, seconds=5):
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    assert true(), f"not within {seconds} s"


def test_file_that_openssh_puts_is_taken_in(clients, partner):
    path = clients.file("orders.edi", b"UNA:+.? '")

    result = clients.sftp(f"put -p {path} /coutbox/orders.edi")

    assert (result.returncode, result.stderr) == (0, "")
    row = Transmission.objects.get()
    assert (row.filename, row.folder, row.peer) == ("orders.edi", "coutbox", str(partner.login))
    assert row.status == TransmissionStatus.RECEIVED
    assert blobs.read(row.blob) == b"UNA:+.? '"
    assert FolderFile.objects.get().transmission == row
    assert EnvelopeEvent.objects.filter(operation=Operation.TAKEN_IN, transmission_id=row.pk)


def test_large_file_comes_whole_over_new_keys(clients):
    data = os.urandom(3 * MEGABYTE + 7)
    path = clients.file("large.bin", data)

    result = clients.sftp(f"put {path} /coutbox/", options=("-o", "RekeyLimit=1M"))

    assert (result.returncode, result.stderr) == (0, "")
    blob = Transmission.objects.get().blob
    assert (blob.size, blob.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_scp_ends_well_after_a_good_transfer(clients):
    path = clients.file("orders.edi")

    result = clients.scp(path, clients.remote("/coutbox/"), options=("-p",))

    assert (result.returncode, result.stderr) == (0, "")
    assert names() == ["orders.edi"]


def test_old_protocol_of_scp_is_refused_as_any_command(clients):
    path = clients.file("orders.edi")

    result = clients.scp(path, clients.remote("/coutbox/"), options=("-O",))

    assert result.returncode != 0
    assert names() == []


def test_curl_puts_and_then_renames(clients):
    path = clients.file("orders.edi")

    result = clients.curl(
        *("-T", path, clients.url("/coutbox/orders.edi.tmp")),
        *("-Q", "-rename /coutbox/orders.edi.tmp /coutbox/orders.edi"),
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert names() == ["orders.edi"]


def test_lftp_puts_under_a_name_of_its_own_first(clients):
    clients.file("orders.edi")
    clients.file("second.edi")

    result = clients.lftp("set xfer:use-temp-file yes; mput -O /coutbox orders.edi second.edi")

    assert result.returncode == 0, result.stderr
    assert names() == ["orders.edi", "second.edi"]


@pytest.mark.parametrize("name", ["x.tmp", "x.filepart", "x.PART", ".x"])
def test_file_with_a_name_for_what_is_unfinished_waits_for_its_own(connect, name):
    wire = connect()

    wire.put(f"/coutbox/{name}".encode(), b"data")

    assert names() == []
    assert FolderFile.objects.get().name == name

    wire.rename(f"/coutbox/{name}".encode(), b"/coutbox/final.edi", 0)

    assert names() == ["final.edi"]
    assert FolderFile.objects.get().name == "final.edi"


def test_upload_whose_connection_dies_is_thrown_away(connect, running, media):
    wire = connect()
    handle = wire.create(b"/coutbox/half.edi")
    wire.write(handle, 0, b"x" * MEGABYTE)

    wire.drop()
    wait_until(lambda: not running.server.visitors.sessions)
    running.settle()

    assert names() == []
    assert FolderFile.objects.count() == 0
    assert left_over(media) == []


def test_upload_whose_channel_ends_without_a_close_is_thrown_away(connect, running, media):
    wire = connect()
    wire.create(b"/coutbox/half.edi")

    wire.sftp.exit()
    wire.call(wire.sftp.wait_closed())
    running.settle()

    assert names() == []
    assert left_over(media) == []


def test_openssh_killed_in_the_middle_leaves_nothing(clients, running, media):
    path = clients.file("large.bin", b"x" * 8 * MEGABYTE)
    process = clients.start(*clients.sftp_command("-l", "2000"))
    process.stdin.write(f"put {path} /coutbox/\n".encode())
    process.stdin.flush()
    wait_until(lambda: list(media.rglob(f"{SCRATCH}/*")))

    process.kill()
    process.wait()
    wait_until(lambda: not running.server.visitors.sessions)
    running.settle()

    assert names() == []
    assert left_over(media) == []


def test_file_that_is_too_large_is_refused_and_leaves_nothing(clients, partner, media):
    SftpConnection.objects.update(max_file_mb=1)
    path = clients.file("large.bin", b"x" * (MEGABYTE + 1))

    result = clients.sftp(f"put {path} /coutbox/")

    assert "Failure" in result.stderr
    assert names() == []
    assert FolderFile.objects.count() == 0
    assert left_over(media) == []


def test_close_after_a_refused_write_does_not_make_a_document(connect, media):
    SftpConnection.objects.update(max_file_mb=1)
    wire = connect()
    handle = wire.create(b"/coutbox/large.bin")
    wire.write(handle, 0, b"x" * MEGABYTE)
    with pytest.raises(asyncssh.SFTPError, match="1 MB at most"):
        wire.write(handle, MEGABYTE, b"y")

    with pytest.raises(asyncssh.SFTPError):
        wire.close_handle(handle)

    assert names() == []
    assert left_over(media) == []


def test_upload_over_the_quota_is_refused_and_leaves_nothing(connect, media):
    SftpConnection.objects.update(quota_mb=1)
    wire = connect()
    wire.put(b"/coutbox/first.bin", b"x" * 600_000)
    handle = wire.create(b"/coutbox/second.bin")

    with pytest.raises(asyncssh.SFTPError, match="quota"):
        wire.write(handle, 0, b"x" * 600_000)
    with pytest.raises(asyncssh.SFTPError):
        wire.close_handle(handle)

    assert names() == ["first.bin"]
    assert left_over(media) == []


def test_files_written_side_by_side_cannot_pass_the_quota(connect, media):
    SftpConnection.objects.update(quota_mb=1)
    wire = connect()
    handles = [wire.create(f"/coutbox/{number}.bin".encode()) for number in range(2)]
    for handle in handles:
        wire.write(handle, 0, b"x" * 600_000)
    wire.close_handle(handles[0])

    with pytest.raises(asyncssh.SFTPError, match="quota"):
        wire.close_handle(handles[1])

    assert names() == ["0.bin"]
    assert left_over(media) == []


def test_resumed_upload_is_refused(clients, connect, media):
    wire = connect()
    wire.put(b"/coutbox/large.tmp", b"x" * 10)
    path = clients.file("large.tmp", b"x" * 20)

    result = clients.sftp(f"reput {path} /coutbox/large.tmp")

    assert result.stderr
    assert FolderFile.objects.get().blob.size == 10
    assert left_over(media) == []


def test_hole_in_a_file_makes_it_no_document(connect, media):
    wire = connect()
    handle = wire.create(b"/coutbox/hole.bin")
    wire.write(handle, 0, b"x" * 10)
    wire.write(handle, 20, b"x" * 10)

    with pytest.raises(asyncssh.SFTPError, match="first byte to the last"):
        wire.close_handle(handle)

    assert names() == []
    assert left_over(media) == []


def test_parts_that_overtake_one_another_are_put_in_order(connect):
    wire = connect()
    handle = wire.create(b"/coutbox/parallel.bin")
    for offset, part in ((0, b"one-"), (8, b"end"), (4, b"two-")):
        wire.write(handle, offset, part)

    wire.close_handle(handle)

    assert blobs.read(Transmission.objects.get().blob) == b"one-two-end"


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_bytes_that_come_one_by_one_are_not_heaped_up(running, partner, order):
    """Each costs more memory than it has bytes."""
    signed_in = partners.by_login(str(partner.login), "127.0.0.1")
    place = Place("coutbox", "tiny.bin")
    upload = Upload(Threads(running.pool), signed_in, "127.0.0.1", place, resumes=False)
    most = 0

    async def write_bytes():
        nonlocal most
        await upload.begin(exclusive=False)
        for offset in range(3 * PIECES)[::order]:
            try:
                if waiting := upload.write(offset, b"x"):
                    await waiting
            except asyncssh.SFTPError:
                break
            most = max(most, len(upload._pending) + len(upload._ahead))
        await upload.discard()

    running.call(write_bytes())

    assert 0 < most <= PIECES


def test_what_was_written_is_not_written_over(connect):
    wire = connect()
    handle = wire.create(b"/coutbox/again.bin")
    wire.write(handle, 0, b"0123456789")

    with pytest.raises(asyncssh.SFTPError, match="first byte to the last"):
        wire.write(handle, 4, b"x")
    with pytest.raises(asyncssh.SFTPError):
        wire.close_handle(handle)

    assert names() == []


def test_document_of_the_same_name_is_another_document(connect):
    wire = connect()

    wire.put(b"/coutbox/orders.edi", b"first")
    wire.put(b"/coutbox/orders.edi", b"second")

    assert names() == ["orders.edi", "orders.edi"]
    assert FolderFile.objects.get().blob.size == 6


def test_size_that_a_client_sets_must_be_the_one_it_has_written(connect):
    wire = connect()
    handle = wire.create(b"/coutbox/orders.edi")
    wire.write(handle, 0, b"0123456789")
    wire.fsetstat(handle, asyncssh.SFTPAttrs(size=10))
    with pytest.raises(asyncssh.SFTPError):
        wire.fsetstat(handle, asyncssh.SFTPAttrs(size=4))

    with pytest.raises(asyncssh.SFTPError):
        wire.close_handle(handle)

    assert names() == []


def test_uploaded_file_is_still_found_when_it_was_processed_meanwhile(connect):
    wire = connect()
    wire.put(b"/coutbox/orders.edi", b"hello")
    FolderFile.objects.all().delete()

    attrs = wire.stat(b"/coutbox/orders.edi", 0)
    wire.setstat(b"/coutbox/orders.edi", asyncssh.SFTPAttrs(permissions=0o644))

    assert attrs.size == 5


def test_uploaded_file_is_also_found_under_its_new_name(connect):
    wire = connect()
    wire.put(b"/coutbox/orders.tmp", b"hello")
    wire.rename(b"/coutbox/orders.tmp", b"/coutbox/orders.edi", 0)
    FolderFile.objects.all().delete()

    assert wire.stat(b"/coutbox/orders.edi", 0).size == 5
    with pytest.raises(asyncssh.SFTPNoSuchFile):
        wire.stat(b"/coutbox/orders.tmp", 0)


def test_uploaded_file_that_was_removed_is_gone(connect):
    wire = connect()
    wire.put(b"/coutbox/orders.edi", b"hello")
    wire.remove(b"/coutbox/orders.edi")

    with pytest.raises(asyncssh.SFTPNoSuchFile):
        wire.stat(b"/coutbox/orders.edi", 0)


def test_empty_file_is_taken_in(clients):
    path = clients.file("empty", b"")

    result = clients.sftp(f"put {path} /outbox/")

    assert (result.returncode, result.stderr) == (0, "")
    assert Transmission.objects.get().blob.size == 0
