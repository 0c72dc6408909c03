from __future__ import annotations

import asyncssh
import pytest
from django.utils import timezone

from integrations import blobs, folders
from integrations.choices import Operation, Protocol, TransmissionStatus
from integrations.models import EnvelopeEvent, FolderFile, Transmission
from tests.factories_integrations import make_sftp, make_transmission
from tests.integrations.sftp.test_uploads import wait_until

pytestmark = pytest.mark.django_db


def place(folder, name, transmission, blob=None):
    return FolderFile.objects.create(
        integration=transmission.integration,
        folder=folder,
        name=name,
        blob=blob or transmission.blob,
        transmission=transmission,
        created_at=timezone.now(),
    )


@pytest.fixture
def put(partner):
    """A file in a folder of the partner, as processing puts it there."""

    def make(folder, name, data=b"hello", **fields):
        transmission = make_transmission(
            partner.integration, data, **{"filename": name, "is_incoming": False, **fields}
        )
        return place(folder, name, transmission)

    return make


def in_folder(folder):
    rows = FolderFile.objects.filter(folder=folder)
    return sorted(rows.values_list("name", flat=True))


def events(operation):
    return EnvelopeEvent.objects.filter(operation=operation).count()


def test_partner_sees_five_folders_and_nothing_else(clients):
    result = clients.sftp("ls -1 /")

    assert result.stdout.split("\n")[1:-1] == [
        *("/cinbox", "/coutbox", "/error", "/inbox", "/outbox")
    ]


@pytest.mark.parametrize(
    "command", ["mkdir /more", "mkdir /coutbox/more", "rmdir /inbox", "rename /inbox /box"]
)
def test_folders_are_neither_made_nor_removed_nor_renamed(clients, command):
    result = clients.sftp(command, "ls -1 /")

    assert result.stderr
    assert len(result.stdout.split()) > 5
    assert "/more" not in result.stdout.split("ls -1 /")[1]
    assert "/inbox" in result.stdout


@pytest.mark.parametrize("folder", ["inbox", "cinbox", "error"])
def test_file_to_fetch_is_fetched_renamed_and_removed(clients, put, folder):
    put(folder, "a.xml", b"for the partner")

    result = clients.sftp(
        f"get -p /{folder}/a.xml here.xml", f"rename /{folder}/a.xml /{folder}/b.xml"
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert (clients.folder / "here.xml").read_bytes() == b"for the partner"
    assert in_folder(folder) == ["b.xml"]

    clients.sftp(f"rm /{folder}/b.xml")

    assert in_folder(folder) == []
    assert events(Operation.REMOVED) == 1


@pytest.mark.parametrize("folder", ["inbox", "cinbox", "error"])
def test_nothing_is_put_into_a_folder_to_fetch_from(clients, folder):
    path = clients.file("a.xml")

    result = clients.sftp(f"put {path} /{folder}/a.xml", f"put {path} /a.xml")

    assert result.stderr.count("\n") == 2
    assert FolderFile.objects.count() == 0


@pytest.mark.parametrize("fetch", ["sftp", "scp", "curl", "lftp"])
def test_every_client_fetches_a_large_file_whole(clients, put, fetch):
    data = bytes(range(256)) * 8_000
    put("cinbox", "large.bin", data)

    match fetch:
        case "sftp":
            clients.sftp("get /cinbox/large.bin")
        case "scp":
            clients.scp(clients.remote("/cinbox/large.bin"), clients.folder / "large.bin")
        case "curl":
            clients.curl("-o", "large.bin", clients.url("/cinbox/large.bin"))
        case "lftp":
            clients.lftp("get /cinbox/large.bin; cls /")

    assert (clients.folder / "large.bin").read_bytes() == data
    wait_until(lambda: events(Operation.FETCHED) == 1)


def test_fetch_is_written_down_once_and_ends_the_transmission(clients, put):
    row = put("cinbox", "a.xml", status=TransmissionStatus.QUEUED)

    clients.sftp("get /cinbox/a.xml", "get /cinbox/a.xml again.xml")

    row.transmission.refresh_from_db()
    assert row.transmission.status == TransmissionStatus.DONE
    assert events(Operation.FETCHED) == 1


def test_fetch_that_is_broken_off_is_none(connect, put, running):
    row = put("cinbox", "a.xml", b"x" * 500_000, status=TransmissionStatus.QUEUED)
    wire = connect()
    handle = wire.open_(b"/cinbox/a.xml", asyncssh.FXF_READ)
    wire.read(handle, 0, 1000)
    wire.close_handle(handle)
    handle = wire.open_(b"/cinbox/a.xml", asyncssh.FXF_READ)
    wire.read(handle, 400_000, 100_000)

    wire.drop()
    running.settle()

    row.transmission.refresh_from_db()
    assert row.transmission.status == TransmissionStatus.QUEUED
    assert events(Operation.FETCHED) == 0


def test_broken_off_fetch_is_taken_up_again(clients, put):
    put("cinbox", "a.xml", b"0123456789")
    clients.file("a.xml", b"0123")

    result = clients.sftp("reget /cinbox/a.xml")

    assert result.stderr == ""
    assert (clients.folder / "a.xml").read_bytes() == b"0123456789"


def test_own_upload_is_not_read_back(clients):
    path = clients.file("a.xml")

    result = clients.sftp(f"put {path} /coutbox/a.xml", "get /coutbox/a.xml back.xml")

    assert "ermission denied" in result.stderr
    assert not (clients.folder / "back.xml").exists()


def test_removing_what_is_not_in_work_yet_cancels_it(clients):
    path = clients.file("a.xml")

    result = clients.sftp(f"put {path} /coutbox/a.xml", "rm /coutbox/a.xml")

    assert result.stderr == ""
    row = Transmission.objects.get()
    assert (row.status, row.error_code) == (TransmissionStatus.ERROR, "removed")
    assert in_folder("coutbox") == []


@pytest.mark.parametrize("command", ["rm /coutbox/a.xml", "rename /coutbox/a.xml /coutbox/b.xml"])
def test_what_is_in_work_is_neither_removed_nor_renamed(clients, put, command):
    put("coutbox", "a.xml", is_incoming=True, status=TransmissionStatus.WORKING)

    result = clients.sftp(command)

    assert "ermission denied" in result.stderr
    assert in_folder("coutbox") == ["a.xml"]
    row = Transmission.objects.get()
    assert (row.status, row.filename) == (TransmissionStatus.WORKING, "a.xml")


def test_document_that_nobody_has_begun_gets_its_new_name(clients):
    path = clients.file("a.xml")

    clients.sftp(f"put {path} /coutbox/a.xml", "rename /coutbox/a.xml /coutbox/b.xml")

    assert Transmission.objects.get().filename == "b.xml"
    assert in_folder("coutbox") == ["b.xml"]


def test_document_gets_no_name_for_what_is_unfinished(clients):
    path = clients.file("a.xml")

    result = clients.sftp(f"put {path} /coutbox/a.xml", "rename /coutbox/a.xml /coutbox/a.tmp")

    assert result.stderr
    assert in_folder("coutbox") == ["a.xml"]


def test_file_is_not_moved_to_another_folder(clients, put):
    put("cinbox", "a.xml")

    result = clients.sftp("rename /cinbox/a.xml /inbox/a.xml", "rename /cinbox/a.xml /error/a.xml")

    assert result.stderr.count("ermission denied") == 2
    assert in_folder("cinbox") == ["a.xml"]


def test_rename_does_not_take_the_place_of_a_file_to_fetch(clients, put):
    put("cinbox", "a.xml")
    put("cinbox", "b.xml")

    result = clients.sftp("rename /cinbox/a.xml /cinbox/b.xml")

    assert result.stderr
    assert in_folder("cinbox") == ["a.xml", "b.xml"]


@pytest.mark.parametrize("folder", ["coutbox", "outbox"])
def test_moving_a_file_out_of_error_has_it_processed_again(clients, put, folder):
    old = put("error", "a.xml", is_incoming=True, status=TransmissionStatus.ERROR).transmission
    place("error", "a.xml.error.txt", old, blobs.store(b"why"))

    result = clients.sftp(f"rename /error/a.xml /{folder}/a.xml")

    assert result.stderr == ""
    again = Transmission.objects.exclude(pk=old.pk).get()
    assert (again.repeats, again.blob, again.folder) == (old, old.blob, folder)
    assert (again.status, again.protocol) == (TransmissionStatus.RECEIVED, Protocol.SFTP)
    assert in_folder("error") == []
    assert events(Operation.REPROCESSED) == 1


def test_report_of_an_error_is_not_processed(clients, put):
    old = put("error", "a.xml", is_incoming=True, status=TransmissionStatus.ERROR).transmission
    place("error", "a.xml.error.txt", old, blobs.store(b"why"))

    result = clients.sftp("rename /error/a.xml.error.txt /coutbox/a.txt")

    assert "ermission denied" in result.stderr
    assert Transmission.objects.count() == 1


def test_files_of_another_partner_are_not_there(clients, put, media):
    other = make_sftp().integration
    place("cinbox", "theirs.xml", make_transmission(other, filename="theirs.xml"))

    result = clients.sftp("ls -1 /cinbox", "get /cinbox/theirs.xml")

    assert "theirs.xml" not in result.stdout.replace("get /cinbox/theirs.xml", "")
    assert not (clients.folder / "theirs.xml").exists()


@pytest.mark.slow
def test_folder_of_three_thousand_files_is_listed_page_by_page(connect, partner, monkeypatch):
    blob = blobs.store(b"x")
    FolderFile.objects.bulk_create(
        FolderFile(
            integration=partner.integration,
            folder="cinbox",
            name=f"{number:05}.xml",
            blob=blob,
            created_at=timezone.now(),
        )
        for number in range(3_000)
    )
    sizes, page = [], folders.page

    def watched(*args):
        rows = page(*args)
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(folders, "page", watched)
    wire = connect()

    names = wire.call(wire.sftp.listdir("/cinbox"))

    assert len(set(names)) == 3_002
    assert max(sizes) == folders.PAGE


def test_folder_of_several_pages_is_listed_whole(connect, put, monkeypatch):
    monkeypatch.setattr(folders, "PAGE", 2)
    for number in range(5):
        put("cinbox", f"{number}.xml")

    wire = connect()
    names = wire.call(wire.sftp.listdir("/cinbox"))

    assert sorted(names)[2:] == [f"{number}.xml" for number in range(5)]


def test_uploads_that_were_given_up_are_removed_after_a_while(connect):
    wire = connect()
    wire.put(b"/coutbox/old.tmp", b"x")
    wire.put(b"/coutbox/orders.edi", b"x")

    assert folders.remove_stale(timezone.now()) == 1

    assert in_folder("coutbox") == ["orders.edi"]
