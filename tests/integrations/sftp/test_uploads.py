from __future__ import annotations

import pytest

from integrations import blobs
from integrations.choices import TransmissionStatus
from integrations.models import FolderFile, Transmission

pytestmark = pytest.mark.django_db


def test_file_that_openssh_puts_is_taken_in(clients, partner):
    path = clients.file("orders.edi", b"UNA:+.? '")

    result = clients.sftp(f"put {path} /coutbox/orders.edi")

    assert result.returncode == 0, result.stderr
    row = Transmission.objects.get()
    assert (row.filename, row.folder, row.peer) == ("orders.edi", "coutbox", str(partner.login))
    assert row.status == TransmissionStatus.RECEIVED
    assert blobs.read(row.blob) == b"UNA:+.? '"
    assert FolderFile.objects.get().transmission == row
