"""The disk of uploads or of logs is full. (That of the database: see `test_send_faults`.)"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.models import Audience, AudienceImport
from omnichannel import spreadsheets
from omnichannel.exceptions import ImportRefused
from omnichannel.models import Message, MessageAttachment
from tests.factories import make_provider
from tests.journeys.product import ROOT, Product, wait_until
from tests.omnichannel.admin.posted import MESSAGES, formset

ROOM = 200_000
UPLOAD = "/admin/campaigns/audienceimport/upload/"
NO_ROOM = "the disk for uploads is full"


@contextmanager
def full_disk():
    """The system lets no file of this process grow beyond ROOM: writes fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return settings.MEDIA_ROOT


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def table(size: int) -> bytes:
    line = b"ana@example.com,Ana\n"
    return b"email,name\n" + line * (size // len(line))


def post_table(client, size: int):
    values = {"name": "People", "file": SimpleUploadedFile("people.csv", table(size))}
    with full_disk():
        return client.post(UPLOAD, values)


@pytest.mark.fault(17)
@pytest.mark.django_db
def test_an_audience_that_finds_no_room_is_told_in_its_form(admin_client, media):
    answer = post_table(admin_client, 3 * ROOM)

    assert answer.status_code == 200
    assert NO_ROOM in answer.content.decode()
    assert stored(media) == []
    assert not AudienceImport.objects.exists()
    assert not Audience.objects.exists()
    assert post_table(admin_client, ROOM // 2).status_code == 302


@pytest.mark.fault(17)
@pytest.mark.django_db
def test_a_large_upload_that_finds_no_room_on_its_way_in_is_told_so(admin_client, media, tmp_path):
    answer = post_table(admin_client, 3 * 1024**2)

    assert answer.status_code == 507
    assert NO_ROOM in answer.content.decode()
    assert stored(tmp_path) == []
    assert not AudienceImport.objects.exists()


@pytest.mark.fault(17)
@pytest.mark.django_db
def test_an_attachment_that_finds_no_room_is_told_in_its_form(admin_client, media):
    values = {
        "provider": make_provider().pk,
        "to_address": "ana@example.com",
        "subject": "Hello",
        "body_text": "Hello",
        "category": "transactional",
        "priority": 2,
        "channel_provider_params": "{}",
        "extended_properties": "{}",
        **formset("attachments", 2),
    }

    def post(size: int):
        files = [SimpleUploadedFile(f"{number}.txt", b"x" * size) for number in range(2)]
        rows = {f"attachments-{number}-file": file for number, file in enumerate(files)}
        with full_disk():
            return admin_client.post(f"{MESSAGES}add/", {**values, **rows})

    answer = post(ROOM // 2 + 1)

    assert answer.status_code == 200
    assert NO_ROOM in answer.content.decode()
    assert stored(media) == []
    assert not Message.objects.exists()
    assert post(ROOM // 4).status_code == 302
    assert MessageAttachment.objects.count() == 2


@pytest.mark.fault(17)
def test_no_half_a_file_is_left_behind(media):
    with full_disk(), pytest.raises(OSError, match="File too large"):
        default_storage.save("attachments/a", ContentFile(b"x" * 2 * ROOM))

    assert stored(media) == []


@pytest.mark.fault(17)
def test_a_workbook_that_finds_no_room_is_not_called_broken(tmp_path):
    book, data = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["email"])
    book.save(data)
    source = tmp_path / "people.xlsx"
    source.write_bytes(data.getvalue())

    with pytest.raises(ImportRefused, match="No space left on device"):
        spreadsheets.to_csv(source, Path("/dev/full"))


QUEUE = """
from django.utils import timezone
from tests.factories import make_provider
from tests.faults.rows import queue
queue(make_provider(backend="smtp", app_config={options}), 5, timezone.now())
"""


@pytest.mark.slow
@pytest.mark.fault(17)
def test_a_product_whose_log_takes_nothing_starts_and_sends(wire, tmp_path):
    with Product(tmp_path, LOG_LEVEL="DEBUG") as product:
        with open("/dev/full", "w") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                env=product.env(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        product.running.append(process)

        def answers() -> bool:
            assert process.poll() is None
            try:
                with urlopen(f"{product.url}/readyz", timeout=5) as answer:
                    return b"processes alive: 0" not in answer.read()
            except OSError:  # it does not listen yet
                return False

        wait_until(answers, "worker")
        product.run(QUEUE.format(options=wire.smtp_options))
        wire.wait_for(5)

    assert sorted(wire.accepted()) == [f"p{number}@example.com" for number in range(5)]
