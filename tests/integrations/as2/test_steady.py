"""What breaks in the middle: nothing is half done, and nobody else has to wait."""

from __future__ import annotations

import pytest

from integrations import as2_receipts, as2_sending, hooks
from integrations.choices import TransmissionStatus
from tests.integrations.as2.rows import make_connection, make_outgoing
from tests.integrations.as2.stations import AT

pytestmark = pytest.mark.django_db


class Crash(BaseException):
    """A worker is killed."""


def test_who_gives_up_has_told_so_or_has_not_given_up(monkeypatch):
    row = make_outgoing(make_connection(max_attempts=1), attempts=1)

    def crash(*args, **kwargs):
        raise Crash

    monkeypatch.setattr(hooks, "delivery_failed", crash)
    with pytest.raises(Crash):
        as2_receipts.again_or_never(row, "http-500", "It answered 500.", AT)

    row.refresh_from_db()
    assert row.status == TransmissionStatus.QUEUED


def test_document_that_breaks_its_sending_holds_up_no_other(monkeypatch):
    first, second = (make_outgoing(make_connection(recipient_id=name)) for name in ("A", "B"))
    tried = []

    def prepare(row, at):
        tried.append(row.pk)
        raise OSError("no room")

    monkeypatch.setattr(as2_sending, "_prepare", prepare)
    as2_sending.send_due(AT)

    assert tried == [first.pk, second.pk]
    first.refresh_from_db()
    assert (first.status, bool(first.lease_until)) == (TransmissionStatus.QUEUED, True)
