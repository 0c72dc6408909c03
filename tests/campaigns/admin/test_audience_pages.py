from __future__ import annotations

import io

import openpyxl
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.choices import ImportStatus
from campaigns.models import Audience, AudienceImport, AudienceMember
from tests.factories_audience import (
    imported,
    make_audience,
    make_import,
    make_member,
    rows_of,
    run_imports,
)
from tests.factories_campaigns import make_campaign

pytestmark = pytest.mark.django_db
GOOD = b"email,phone,name\nana@example.com,+12025550101,Ana\nbad,,Bob\n"


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def page(client):
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"admin:campaigns_{name}", args=args)


def login(client, *codenames: str):
    user = get_user_model().objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


def upload(page, data: bytes, name: str = "Customers", **query: object):
    values = {"name": name, "file": SimpleUploadedFile("people.csv", data)}
    return page.post(reverse("admin:campaigns_audienceimport_upload", query=query), values)


def mapping_of(page, row: AudienceImport) -> dict[str, str]:
    form = page.get(url("audienceimport_map", row.pk)).context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def test_a_file_goes_from_upload_to_summary(page):
    upload(page, GOOD)
    row = AudienceImport.objects.get()
    shown = page.get(url("audienceimport_map", row.pk)).content.decode()
    assert "ana@example.com" in shown

    answer = page.post(url("audienceimport_map", row.pk), mapping_of(page, row))
    assert answer.url == url("audienceimport_change", row.pk)
    assert "hx-get" in page.get(answer.url).content.decode()
    run_imports()

    text = page.get(url("audienceimport_progress", row.pk)).content.decode()
    assert "All 2 rows were read. 1 are in the audience." in text
    assert "hx-get" not in text
    rejects = b"".join(page.get(url("audienceimport_rejects", row.pk)).streaming_content)
    assert b"3,email," in rejects


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\n\n", "no rows"),
        (b",,\n1,2,3\n", "first row is empty"),
        (b'"email,name\n' + b"a,b\n" * 600, "quote is opened and never closed"),
        (b"a," * 10_000 + b"b\n", "10,001 columns"),
    ],
)
def test_a_bad_file_is_refused_on_the_form_and_leaves_nothing(page, data, reason):
    answer = upload(page, data)

    assert answer.status_code == 200
    assert reason in answer.content.decode()
    assert not Audience.objects.exists()


def test_a_second_audience_of_the_same_name_is_refused(page):
    make_audience(name="Customers")

    assert "There is an audience with this name" in upload(page, GOOD).content.decode()


def test_a_file_can_go_into_an_audience_that_exists(page):
    audience = make_audience()

    upload(page, GOOD, audience=audience.pk)

    assert AudienceImport.objects.get().audience == audience


def test_an_unknown_encoding_is_asked_for(page):
    upload(page, "email,name\na@example.com,Zoë\n".encode("cp1252"))
    row = AudienceImport.objects.get()
    address = url("audienceimport_map", row.pk)
    assert "Choose its encoding" in page.get(address).content.decode()
    assert "Start import" not in page.get(address).content.decode()

    page.post(address, {"reread": 1, "encoding": "cp1252", "delimiter": ",", "has_header": "on"})

    text = page.get(address).content.decode()
    assert "Zoë" in text
    assert "Start import" in text


def test_changed_headers_are_explained(page):
    upload(page, b"email,name,name,\na@example.com,A,B,C\n")

    text = page.get(url("audienceimport_map", AudienceImport.objects.get().pk)).content.decode()
    assert "Column 3 has the same header as another: it is called name_2." in text
    assert "Column 4 has no header: it is called column_4." in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"role_0": "skip", "role_1": "skip"}, "Choose which column holds the e-mail"),
        ({"role_1": "email"}, "Only one column can be the e-mail address"),
        ({"name_2": "Not a name"}, "cannot be a variable"),
        ({"role_1": "variable", "name_1": "name"}, "Two columns are called"),
        ({"role_2": "skip", "key": "column_2"}, "know duplicates by"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_reason(page, changes, reason):
    upload(page, GOOD)
    row = AudienceImport.objects.get()

    answer = page.post(url("audienceimport_map", row.pk), {**mapping_of(page, row), **changes})

    assert reason in answer.content.decode()
    row.refresh_from_db()
    assert row.status == ImportStatus.UPLOADED


def test_cancel_ends_a_queued_import(page):
    row = make_import(rows_of(3))

    page.post(url("audienceimport_cancel", row.pk))

    row.refresh_from_db()
    assert row.status == ImportStatus.CANCELLED
    assert "No row was imported." in page.get(url("audienceimport_change", row.pk)).content.decode()


@pytest.mark.parametrize("name", ["cancel", "discard"])
def test_a_link_changes_nothing(page, name):
    row = make_import(rows_of(3))

    assert page.get(url(f"audienceimport_{name}", row.pk)).status_code == 404


def test_export_needs_its_permission(client):
    audience = make_audience()
    login(client, "view_audience", "change_audience")
    assert client.get(url("audience_export", audience.pk)).status_code == 403

    login_again = get_user_model().objects.get()
    login_again.user_permissions.add(Permission.objects.get(codename="export_audience"))
    assert client.get(url("audience_export", audience.pk)).status_code == 200


@pytest.mark.parametrize("name", ["upload", "sample", "map", "cancel", "discard"])
def test_import_needs_its_permission(client, name):
    row = make_import(rows_of(3))
    login(client, "view_audience", "view_audienceimport", "change_audience")
    args = [] if name in ("upload", "sample") else [row.pk]

    assert client.post(url(f"audienceimport_{name}", *args)).status_code == 403


@pytest.mark.parametrize("name", ["change", "progress", "rejects"])
def test_a_summary_needs_a_permission(client, name):
    row = imported("email,phone,name\nbad,,\na@example.com,,\n")
    login(client, "view_audience")

    assert client.get(url(f"audienceimport_{name}", row.pk)).status_code == 403


def test_records_are_listed_for_one_audience_and_searched(page):
    audience = make_audience()
    make_member(audience, email="ana@example.com")
    make_member(audience, email="bob@example.com")
    address = url("audiencemember_changelist")
    assert page.get(address).url == url("audience_changelist")

    listed = page.get(address, {"audience__id__exact": audience.pk, "q": "an"})

    assert [row.key for row in listed.context["cl"].result_list] == ["ana@example.com"]


def test_a_deleted_record_leaves_the_count(page):
    member = make_member(make_audience())

    page.post(url("audiencemember_delete", member.pk), {"post": "yes"})

    assert Audience.objects.get().records_count == 0


def test_an_audience_is_deleted_with_its_records(page):
    member = make_member(make_audience())
    address = url("audience_delete", member.audience_id)
    assert "1 records" in page.get(address).content.decode()

    page.post(address, {"post": "yes"})

    assert not AudienceMember.objects.exists()
    assert not Audience.objects.exists()


@pytest.mark.parametrize(
    ("name", "ceiling"), [("audience_changelist", 12), ("audienceimport_changelist", 12)]
)
def test_a_list_asks_few_questions(page, name, ceiling):
    for _ in range(10):
        imported(rows_of(1))

    with CaptureQueriesContext(connection) as queries:
        assert page.get(url(name)).status_code == 200

    assert len(queries) <= ceiling


def test_an_audience_of_a_campaign_is_kept_with_the_reason(page):
    audience = make_campaign(name="Spring").audience

    shown = page.get(url("audience_delete", audience.pk)).content.decode()
    page.post(url("audience_delete", audience.pk), {"post": "yes"})

    assert "is the audience of Spring" in shown
    assert Audience.objects.filter(pk=audience.pk).exists()


def test_a_workbook_goes_the_same_way(page):
    book, data = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["email", "name"])
    book.active.append(["ana@example.com", "Ana"])
    book.save(data)

    upload(page, data.getvalue())
    row = AudienceImport.objects.get()
    page.post(url("audienceimport_map", row.pk), mapping_of(page, row))
    run_imports()

    assert AudienceMember.objects.get().variables == {"name": "Ana"}
