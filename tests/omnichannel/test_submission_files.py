"""What becomes of a submission's files and of its job."""

from __future__ import annotations

import base64

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from omnichannel import outbox, submissions
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.delivery import drain
from omnichannel.models import Message, MessageAttachment
from omnichannel.submissions import File, ends
from tests.factories import NOW
from tests.omnichannel.test_submissions import ask, faults, provider, template

__all__ = ["provider", "template"]

pytestmark = pytest.mark.django_db


def test_every_message_has_its_attachment_of_which_the_disk_has_one(provider):
    content = base64.b64encode(b"a" * 1000).decode()

    submissions.accept(
        ask("a@example.com", "b@example.com", attachments=[File("dir/bill.pdf", content)]), at=NOW
    )

    first, second = MessageAttachment.objects.order_by("id")
    assert (first.name, first.content_type, first.size) == ("bill.pdf", "application/pdf", 1000)
    first.file.delete(save=False)
    assert second.file.read() == b"a" * 1000


def test_too_large_attachments_are_refused_and_leave_nothing_on_the_disk(provider, settings):
    settings.ATTACHMENT_MAX_BYTES = 10
    files = [File("a.txt", base64.b64encode(b"a" * 6).decode()) for _ in range(2)]

    assert "together" in faults(ask(attachments=files))["attachments"]


def test_files_are_deleted_when_their_messages_are_not_written(provider, monkeypatch):
    kept = len(default_storage.listdir("attachments")[1])
    monkeypatch.setattr("omnichannel.submissions.rows.insert", _fail)
    content = base64.b64encode(b"a").decode()

    with pytest.raises(RuntimeError):
        submissions.accept(ask(attachments=[File("a.txt", content)]), at=NOW)

    assert len(default_storage.listdir("attachments")[1]) == kept


def _fail(*_):
    raise RuntimeError


def test_a_job_ends_when_nothing_of_it_is_pending_and_runs_again_for_a_requeue(provider):
    job = submissions.accept(ask("a@example.com", "b@example.com"), at=NOW).job
    messages = Message.objects.filter(job=job)

    def status_after_a_tick():
        ends.finish(NOW)
        job.refresh_from_db()
        return job.status

    messages.filter(to_address="a@example.com").update(status=MessageStatus.SENT)
    assert status_after_a_tick() == JobStatus.RUNNING
    messages.filter(to_address="b@example.com").update(status=MessageStatus.FAILED)
    assert status_after_a_tick() == JobStatus.FINISHED
    outbox.requeue(messages, at=NOW)
    assert status_after_a_tick() == JobStatus.RUNNING


def test_attachments_of_a_template_message_are_sent(provider, template, scripted):
    provider.backend = "scripted"
    provider.save()
    files = [File("a.txt", base64.b64encode(b"abc").decode())]

    submissions.accept(
        ask(template="Order", variables={"number": 7}, attachments=files), at=timezone.now()
    )
    submissions.accept(
        ask(
            "a@example.com",
            "b@example.com",
            template="Order",
            variables={"number": 7},
            attachments=files,
        ),
        at=timezone.now(),
    )
    drain()

    sent = [(each.to, [file.content for file in each.attachments]) for each in scripted.seen]
    assert sorted(sent) == [
        ("a@example.com", [b"abc"]),
        ("ana@example.com", [b"abc"]),
        ("b@example.com", [b"abc"]),
    ]
