"""What a hostile client asks for."""

from __future__ import annotations

import inspect
import unicodedata

import asyncssh
import pytest
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE

from integrations.models import FolderFile, Transmission
from integrations.protocols.sftp import names
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.tree import MOST_HANDLES, Tree

pytestmark = pytest.mark.django_db


def test_no_method_of_the_library_that_touches_local_files_is_left():
    inherited = [
        name
        for name, method in inspect.getmembers(asyncssh.SFTPServer, inspect.isfunction)
        if not name.startswith("_")
        and name not in ("convert_attrs", "format_longname")
        and getattr(Tree, name) is method
    ]

    assert inherited == []


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        (b"", Place()),
        (b"/", Place()),
        (b"../../..", Place()),
        (b"/inbox/../../coutbox/./x", Place("coutbox", "x")),
        (b"//coutbox//x/", Place("coutbox", "x")),
        (unicodedata.normalize("NFD", "/inbox/é").encode(), Place("inbox", "é")),
    ],
)
def test_path_never_leads_out_of_the_tree(path, leads_to):
    assert names.place(path) == leads_to


@pytest.mark.parametrize("path", [b"/etc/passwd", b"/coutbox/a/b", b"/coutbox\0/x", b"/INBOX"])
def test_path_to_anything_else_leads_nowhere(path):
    with pytest.raises(asyncssh.SFTPNoSuchFile):
        names.place(path)


@pytest.mark.parametrize(
    "name",
    [
        *("a\0b", "a\nb", "a\rb", "a\x1b[2Jb", "a\\b", "a\x7fb", " a", "a ", "a\u202eb"),
        *("x" * 256, "ü" * 128),
    ],
)
def test_hostile_name_is_refused(connect, name):
    wire = connect()

    with pytest.raises(asyncssh.SFTPError, match="called so"):
        wire.create(f"/coutbox/{name}".encode())

    assert FolderFile.objects.count() == 0


def test_name_that_is_not_utf_8_is_refused(connect):
    wire = connect()

    with pytest.raises(asyncssh.SFTPError, match="UTF-8"):
        wire.create(b"/coutbox/\xff")


def test_plain_names_of_all_the_world_are_taken(connect):
    wire = connect()

    for name in ("Bestellung Ä.edi", "注文.xml", "a;b'c\"d&$(e).txt", "x" * 255):
        wire.put(f"/coutbox/{name}".encode(), b"x")

    assert Transmission.objects.count() == 4


def test_differently_composed_names_are_one_name(connect):
    wire = connect()
    wire.put(unicodedata.normalize("NFD", "/coutbox/é.edi").encode(), b"x")

    attrs = wire.stat("/coutbox/é.edi".encode(), 0)

    assert attrs.size == 1
    assert FolderFile.objects.get().name == "é.edi"


@pytest.mark.parametrize(
    "flags",
    [
        FXF_WRITE | FXF_CREAT | FXF_APPEND,
        FXF_WRITE,
        FXF_READ | FXF_WRITE,
        FXF_READ | FXF_WRITE | FXF_CREAT,
    ],
)
def test_file_is_not_opened_to_be_changed(connect, flags):
    wire = connect()
    wire.put(b"/coutbox/x.tmp", b"hello")

    with pytest.raises(asyncssh.SFTPError):
        wire.open_(b"/coutbox/x.tmp", flags)

    assert FolderFile.objects.get().blob.size == 5


def test_new_file_opened_for_both_is_written_and_not_read(connect):
    wire = connect()
    handle = wire.open_(b"/coutbox/x", FXF_READ | FXF_WRITE | FXF_CREAT | FXF_TRUNC)
    wire.write(handle, 0, b"hello")

    with pytest.raises(asyncssh.SFTPPermissionDenied):
        wire.read(handle, 0, 5)
    wire.close_handle(handle)

    assert Transmission.objects.get().blob.size == 5


def test_exclusive_open_of_a_name_that_is_taken_is_refused(connect):
    wire = connect()
    wire.put(b"/coutbox/x", b"hello")

    with pytest.raises(asyncssh.SFTPError, match="of this name"):
        wire.open_(b"/coutbox/x", FXF_WRITE | FXF_CREAT | FXF_EXCL)


@pytest.mark.parametrize(
    ("request_", "args"),
    [
        ("symlink", (b"/etc/passwd", b"/coutbox/x")),
        ("link", (b"/coutbox/x", b"/coutbox/y")),
        ("readlink", (b"/coutbox/x",)),
        ("statvfs", (b"/",)),
        ("mkdir", (b"/coutbox/x", asyncssh.SFTPAttrs())),
        ("rmdir", (b"/inbox",)),
        ("remove", (b"/inbox",)),
        ("setstat", (b"/inbox", asyncssh.SFTPAttrs(size=1))),
    ],
)
def test_request_that_makes_no_sense_here_is_refused(connect, request_, args):
    wire = connect()

    with pytest.raises(asyncssh.SFTPError):
        getattr(wire, request_)(*args)

    assert wire.stat(b"/inbox", 0).permissions == 0o40700


def test_unknown_handles_and_requests_do_no_harm(connect):
    wire = connect()

    for request in (
        lambda: wire.read(b"none", 0, 10),
        lambda: wire.write(b"none", 0, b"x"),
        lambda: wire.close_handle(b"none"),
        lambda: wire.call(wire.sftp._handler._make_request(b"check-file@example.com")),
    ):
        with pytest.raises(asyncssh.SFTPError):
            request()

    assert wire.stat(b"/", 0).permissions == 0o40700


def test_huge_read_is_answered_with_a_part(connect, partner):
    wire = connect()
    wire.put(b"/coutbox/x", b"x" * 600_000)
    FolderFile.objects.update(folder="cinbox")
    handle = wire.open_(b"/cinbox/x", FXF_READ)

    data, _ = wire.read(handle, 0, 4_000_000_000)

    assert 0 < len(data) <= 256 * 1024


def test_only_so_many_files_may_be_open(connect):
    wire = connect()
    for number in range(MOST_HANDLES):
        wire.create(f"/coutbox/{number}".encode())

    with pytest.raises(asyncssh.SFTPError, match="Too many files"):
        wire.create(b"/coutbox/more")


def test_only_so_many_folders_may_be_open(connect):
    wire = connect()
    handles = [wire.opendir(b"/inbox") for _ in range(MOST_HANDLES)]
    with pytest.raises(asyncssh.SFTPError, match="Too many folders"):
        wire.opendir(b"/inbox")

    wire.close_handle(handles[0])

    assert wire.opendir(b"/inbox")
