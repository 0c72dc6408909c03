"""What a version adds to each of its messages: copies, headers, files."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from omnichannel import copies, enclosures, installation, outbox, tasks
from omnichannel.delivery import drain
from omnichannel.exceptions import InvalidMessage, TemplateError
from omnichannel.models import Message, Suppression
from omnichannel.publishing import publish
from tests.factories import NOW, make_message, make_provider
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def published(**content):
    return publish(make_template(), **{"subject": "Hi", "text": "Hi", **content})


def queued(version, **values):
    values = {"to_address": "ana@example.com", "provider": make_provider(), **values}
    return outbox.enqueue(Message(template_version=version, **values), at=NOW)


def test_addresses_are_stored_clean_and_once():
    version = published(static_cc="Ops@Example.COM, ops@example.com;\nAudit@example.com")

    assert version.static_cc == "Ops@example.com; Audit@example.com"


@pytest.mark.parametrize(
    ("content", "part", "told"),
    [
        ({"static_to": "nobody"}, "static_to", "not an e-mail address"),
        ({"static_bcc": "a@example.com\r\nX: y"}, "static_bcc", "not an e-mail address"),
        ({"static_cc": "; ".join(f"a{n}@example.com" for n in range(51))}, "static_to", "most 50"),
        ({"cc_key": "manager e-mail"}, "cc_key", "not the name of a data field"),
        ({"headers": {"Subject": "x"}}, "headers", "written by the product"),
        ({"headers": {"DKIM-Signature": "x"}}, "headers", "written by the product"),
        ({"headers": {"list-unsubscribe": "<x>"}}, "headers", "written by the product"),
        ({"headers": {"ARC-Seal": "x"}}, "headers", "written by the product"),
        ({"headers": {"X-A\r\nBcc": "x"}}, "headers", "cannot be the name"),
        ({"headers": {"X A": "x"}}, "headers", "cannot be the name"),
        ({"headers": {"X-A": "x\r\nBcc: y@example.com"}}, "headers", "line break"),
        ({"headers": {"X-A": "x\x00"}}, "headers", "line break"),
        ({"headers": {"X-A": " "}}, "headers", "write a value"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers", "there twice"),
        ({"headers": ["X-A"]}, "headers", "a name and a value"),
        ({"headers": {f"X-{n}": "1" for n in range(21)}}, "headers", "At most 20"),
        ({"files": [{"name": "a", "size": 1}] * 21}, "files", "At most 20"),
        ({"files": [{"name": "a", "size": 10**9}]}, "files", "Send a link"),
    ],
)
def test_what_could_never_be_sent_is_refused_beside_its_field(content, part, told):
    with pytest.raises(TemplateError, match=told) as refused:
        published(**content)

    assert refused.value.part == part


def test_a_text_message_has_no_copies():
    template = make_template(channel_type="sms")

    with pytest.raises(TemplateError, match="Only e-mails"):
        publish(template, text="Hi", static_cc="a@example.com")


def test_a_queued_message_goes_to_the_templates_addresses_too():
    version = published(
        static_to="team@example.com",
        static_cc="ops@example.com; ana@example.com",
        static_bcc="audit@example.com; ops@example.com",
        cc_key="manager",
        bcc_key="event.agents",
    )

    message = queued(
        version,
        cc_addresses="own@example.com",
        variables={
            "manager": "boss@example.com, nonsense",
            "event": {"agents": ["one@example.com", 7, "Audit@example.com"]},
        },
    )

    assert message.cc_addresses == (
        "own@example.com; team@example.com; ops@example.com; boss@example.com"
    )
    assert message.bcc_addresses == "audit@example.com; one@example.com"


@pytest.mark.parametrize(
    ("variables", "to"),
    [({"buyer": "ana@example.com"}, "ana@example.com"), ({}, "team@example.com")],
)
def test_without_a_recipient_the_key_or_the_fixed_address_is_written_to(variables, to):
    version = published(static_to="team@example.com", to_key="buyer")

    assert queued(version, to_address="", variables=variables).to_address == to


def test_the_key_names_a_phone_number_for_a_text_message():
    template = make_template(channel_type="sms")
    version = publish(template, text="Hi", to_key="mobile")
    provider = make_provider(channel_type="sms")
    variables = {"mobile": "+1 202 555 0143"}

    message = queued(version, to_address="", variables=variables, provider=provider)

    assert message.to_address == "+12025550143"


def test_a_message_to_nobody_is_refused():
    with pytest.raises(InvalidMessage):
        queued(published(to_key="buyer"), to_address="")


def test_a_data_field_cannot_name_more_than_its_share():
    version = published(cc_key="all")
    everybody = "; ".join(f"a{number}@example.com" for number in range(500))

    found = copies.of(version, {"all": everybody}, to="x@example.com")

    assert len(found.cc.split(";")) == copies.MAX_OF_KEY


def test_a_suppressed_copy_is_left_out_when_it_is_sent(provider, scripted):
    Suppression.objects.create(channel_type="email", address="ops@example.com")
    version = published(static_cc="ops@example.com; audit@example.com")
    queued(version, provider=provider)

    with time_machine.travel(NOW, tick=True):
        drain()

    assert scripted.seen[0].cc == ("audit@example.com",)


def test_headers_are_sent_and_ours_stay_ours(provider, scripted):
    version = published(headers={"X-Team": "Growth"})
    make_message(provider=provider, template_version=version, category="promotional")

    with time_machine.travel(NOW, tick=True):
        drain()

    headers = scripted.seen[0].headers
    assert headers["X-Team"] == "Growth"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_attachments_are_sent_and_read_once_for_all_messages(provider, scripted, monkeypatch):
    upload = SimpleUploadedFile("../terms\r\n.pdf", b"%PDF", content_type="application/pdf")
    entry = enclosures.keep(upload)
    version = published(files=[entry])
    for _ in range(3):
        make_message(provider=provider, template_version=version)
    reads = []
    opened = enclosures.opened
    monkeypatch.setattr(enclosures, "opened", lambda entry: reads.append(1) or opened(entry))

    with time_machine.travel(NOW, tick=True):
        drain()

    files = [message.attachments for message in scripted.seen]
    assert files[0] == files[1] == files[2]
    assert (files[0][0].content, files[0][0].content_type) == (b"%PDF", "application/pdf")
    assert len(reads) == 1
    assert entry["name"] == "terms__.pdf"
    assert entry["file"].startswith("template-files/")


def test_a_message_whose_file_is_gone_fails_and_says_which(provider, scripted):
    entry = {"file": "template-files/gone", "name": "a.pdf", "content_type": "a/b", "size": 1}
    message = make_message(provider=provider, template_version=make_version(files=[entry]))

    with time_machine.travel(NOW, tick=True):
        drain()

    message.refresh_from_db()
    assert message.status == "failed"
    assert "a.pdf" in message.error_message


def test_the_files_at_hand_are_bounded(monkeypatch):
    monkeypatch.setattr(enclosures, "CACHED_BYTES", 10)
    versions = [
        make_version(files=[enclosures.keep(SimpleUploadedFile(f"{n}.txt", b"12345678"))])
        for n in range(3)
    ]

    for version in versions:
        enclosures.attachments_of(version)

    last = [entry["file"] for entry in versions[2].files]
    assert [list(places) for places in enclosures._kept] == [last]


def test_files_that_no_version_has_any_more_are_deleted_after_a_day():
    kept = enclosures.keep(SimpleUploadedFile("a.txt", b"a"))
    unused = enclosures.keep(SimpleUploadedFile("b.txt", b"b"))
    published(files=[kept])
    now = timezone.now()

    assert enclosures.remove_unused(now + datetime.timedelta(hours=23)) == 0
    assert enclosures.remove_unused(now + datetime.timedelta(hours=25)) == 1

    assert default_storage.exists(kept["file"])
    assert not default_storage.exists(unused["file"])


def test_without_any_file_there_is_nothing_to_delete():
    assert enclosures.remove_unused(NOW) == 0


def test_a_copy_of_an_installation_deletes_no_files(monkeypatch):
    unused = enclosures.keep(SimpleUploadedFile("b.txt", b"b"))
    monkeypatch.setattr(enclosures, "GRACE", datetime.timedelta(days=-1))
    monkeypatch.setattr(installation, "is_held", lambda: True)

    tasks.purge_old()

    assert default_storage.exists(unused["file"])
