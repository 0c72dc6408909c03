from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.choices import ImportStatus
from campaigns.models import Audience, AudienceImport
from tests.factories_api import caller
from tests.factories_audience import make_audience, make_import, run_imports
from tests.servers.http import Answer, HttpServer

pytestmark = pytest.mark.django_db

AUDIENCES = "/api/v1/audiences/"
IMPORTS = "/api/v1/audience-imports/"
CSV = b"email,city\nana@example.com,Austin\nnobody,Boston\nbob@example.com,London\n"


@pytest.fixture
def client():
    return caller("audience")


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def upload(client, data=CSV, *, address=f"{AUDIENCES}upload/", name="Spring", headers=None):
    body = {"file": SimpleUploadedFile("people.csv", data)}
    body |= {"name": name} if name else {}
    return client.post(address, body, format="multipart", headers=headers or {})


def stored(tmp_path):
    return sorted((tmp_path / "imports").glob("*.csv"))


def test_file_becomes_an_audience(client):
    answer = upload(client)
    row = answer.json()

    assert (answer.status_code, row["status"], row["file_name"]) == (201, "uploaded", "people.csv")
    assert row["sample"]["headers"] == ["email", "city"]
    assert row["sample"]["rows"][0] == ["ana@example.com", "Austin"]
    assert row["sample"]["mapping"] == {
        "email": 0,
        "phone": None,
        "variables": {"city": 1},
        "key": "email",
    }
    started = client.post(f"{IMPORTS}{row['id']}/start/", {})
    assert (started.status_code, started.data["status"]) == (200, "queued")
    run_imports()
    done = client.get(f"{IMPORTS}{row['id']}/").json()
    assert (done["status"], done["progress"], done["added"], done["rejected"]) == (
        *("finished", 100, 2),
        1,
    )
    assert done["sample"] is None
    rejected = client.get(f"{IMPORTS}{row['id']}/rejected/")
    text = b"".join(rejected.streaming_content).decode()
    assert rejected.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "nobody" in text
    assert Audience.objects.get(name="Spring").records_count == 2


def test_columns_are_what_the_call_says(client):
    row = upload(client).json()
    mapping = {"email": 0, "variables": {"town": 1}, "key": "email"}

    client.post(f"{IMPORTS}{row['id']}/start/", {"mapping": mapping, "mode": "add"})
    run_imports()

    audience = Audience.objects.get(name="Spring")
    assert audience.columns == ["town"]
    assert audience.members.get(email="ana@example.com").variables == {"town": "Austin"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"mapping": {"email": 2, "key": "email"}}, 400, "mapping.email"),
        ({"mapping": {"email": 0, "variables": {"a": 9}, "key": "email"}}, 400, "mapping.vari"),
        ({"mapping": {"key": "email"}}, 422, ""),
        ({"mapping": {"email": 0, "key": "phone"}}, 422, ""),
        ({"mapping": {"email": 0, "variables": {"A b": 1}, "key": "email"}}, 422, ""),
        ({"mode": "all"}, 400, "mode"),
        ({"default_region": "XX"}, 400, "default_region"),
        ({"has_header": 1}, 400, "has_header"),
    ],
)
def test_import_does_not_begin_with_what_cannot_be(client, body, status, field):
    row = upload(client).json()

    answer = client.post(f"{IMPORTS}{row['id']}/start/", body)

    assert answer.status_code == status
    assert all(error["field"].startswith(field) for error in answer.json()["errors"])
    assert AudienceImport.objects.get().status == ImportStatus.UPLOADED


def test_import_is_started_once(client):
    row = upload(client).json()
    address = f"{IMPORTS}{row['id']}/start/"

    client.post(address, {})

    assert client.post(address, {}).status_code == 409
    assert client.get(f"{IMPORTS}{row['id']}/sample/").status_code == 409


def test_second_import_into_an_audience_waits(client):
    audience = make_audience()
    make_import(audience=audience)
    row = upload(client, address=f"{AUDIENCES}{audience.pk}/upload/", name="").json()

    answer = client.post(f"{IMPORTS}{row['id']}/start/", {})

    assert answer.status_code == 409
    assert "still running" in answer.json()["detail"]


def test_import_that_runs_is_cancelled_and_an_upload_is_forgotten(client, tmp_path):
    row = upload(client).json()
    address = f"{IMPORTS}{row['id']}/"
    assert client.post(f"{address}cancel/").status_code == 409

    assert client.delete(address).status_code == 204

    assert stored(tmp_path) == []
    assert not Audience.objects.exists()
    running = make_import(status=ImportStatus.QUEUED)
    cancelled = client.post(f"{IMPORTS}{running.pk}/cancel/")
    assert (cancelled.status_code, cancelled.data["status"]) == (200, "cancelled")
    assert client.delete(f"{IMPORTS}{running.pk}/").status_code == 409


def test_so_many_rows_are_shown_as_are_asked_for(client):
    address = f"{IMPORTS}{upload(client).json()['id']}/sample/"

    assert len(client.get(f"{address}?rows=2").json()["rows"]) == 2
    assert client.get(f"{address}?rows=0").status_code == 400
    assert client.get(f"{address}?rows=21").status_code == 400


@pytest.mark.parametrize(("data", "status"), [(b"", 422), (b"%PDF-1.7", 422), (b"\n\n", 422)])
def test_what_is_no_table_leaves_nothing(client, tmp_path, data, status):
    assert upload(client, data).status_code == status

    assert stored(tmp_path) == []
    assert not Audience.objects.exists()


def test_name_that_is_taken_leaves_nothing(client, tmp_path):
    make_audience(name="Spring")

    assert upload(client).status_code == 400
    assert stored(tmp_path) == []


def test_upload_made_again_is_one_upload(client):
    headers = {"Idempotency-Key": "people"}

    first = upload(client, headers=headers)
    again = upload(client, headers=headers)

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert AudienceImport.objects.count() == 1
    assert upload(client, CSV + b"x@example.com,X\n", headers=headers).status_code == 422
    assert upload(client, name="Other", headers=headers).status_code == 422


def test_file_is_fetched_from_a_url(client, settings):
    settings.AUDIENCE_URL_ALLOW_PRIVATE = True
    with HttpServer(Answer(200, CSV)) as server:
        body = {"name": "Spring", "url": f"{server.url}/files/people%20a.csv"}
        answer = client.post(f"{AUDIENCES}upload/", body)

    assert answer.status_code == 201
    assert answer.json()["file_name"] == "people a.csv"
    assert answer.json()["sample"]["rows"][0] == ["ana@example.com", "Austin"]


def test_our_own_network_is_not_fetched_from(client, tmp_path):
    with HttpServer(Answer(200, CSV)) as server:
        for url in (server.url, "https://169.254.169.254/latest", "file:///etc/passwd"):
            answer = client.post(f"{AUDIENCES}upload/", {"name": "Spring", "url": url})
            assert answer.status_code == 422

    assert server.connections == 0
    assert not Audience.objects.exists()


def test_list_does_not_open_the_files(client, django_assert_max_num_queries):
    for number in range(5):
        upload(client, name=f"Audience {number}")

    with django_assert_max_num_queries(5):
        rows = client.get(f"{IMPORTS}?status=uploaded").json()["results"]

    assert [row["sample"] for row in rows] == [None] * 5


def test_import_without_rejected_rows_has_no_file_of_them(client):
    row = make_import("email\na@example.com\n")

    assert client.get(f"{IMPORTS}{row.pk}/rejected/").status_code == 404
