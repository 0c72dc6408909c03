from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from omnichannel.api.problems import handle
from omnichannel.api.variables import Variables
from omnichannel.exceptions import IllegalTransition, NoProvider, OmnichannelError, TooSlow
from tests.factories_api import caller

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/variables/"


@pytest.fixture
def client():
    return caller()


def send(client, body: bytes, content_type: str = "application/json"):
    return client.generic("POST", ROUTE, body, content_type)


def assert_problem(answer, status: int):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "code", "detail", "errors"}
    assert problem["status"] == status
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b'{"key": NaN}',
        b"\xff\xfe{}",
        b'{"key": "a\\u0000"}',
        b'{"key": "a", "value": "\\ud800"}',
        b"[" * 100_000,
        b'{"key": ' + b"9" * 10_000 + b"}",
    ],
)
def test_malformed_bodies_are_400(client, body):
    assert_problem(send(client, body), 400)


def test_body_that_is_too_large_is_413(client, settings):
    settings.API_MAX_BYTES = 100

    assert_problem(send(client, b'{"key": "' + b"a" * 100 + b'"}'), 413)


def test_other_media_types_are_415(client):
    assert_problem(send(client, b"key=a", "application/x-www-form-urlencoded"), 415)


def test_other_answers_than_json_are_406(client):
    assert_problem(client.get(ROUTE, HTTP_ACCEPT="text/html"), 406)


def test_other_methods_are_405(client):
    problem = client.delete(ROUTE)

    assert_problem(problem, 405)
    assert "POST" in problem.headers["Allow"]


@pytest.mark.parametrize("address", ["variables/999/", "variables", "nothing/", "%FF/", "a/b/c"])
def test_what_is_not_there_is_404(client, address):
    assert_problem(client.get(f"/api/v1/{address}"), 404)


@pytest.mark.parametrize("number", ["9" * 40, "0"])
def test_number_of_no_row_is_404(client, number):
    assert_problem(client.get(f"{ROUTE}{number}/"), 404)


def test_nobody_learns_what_is_there():
    assert_problem(APIClient().get("/api/v1/nothing/"), 401)


def test_missing_scope_is_named():
    assert "“content”" in assert_problem(caller("read").post(ROUTE, {}), 403)["detail"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IllegalTransition("It is over."), 409),
        (NoProvider("No provider."), 409),
        (TooSlow("Narrow it."), 422),
        (OmnichannelError("No."), 422),
        (IntegrityError("secret detail of the database"), 409),
        (ProtectedError("used", set()), 409),
        (DjangoValidationError({"name": ["Too long."]}), 400),
        (OverflowError("date value out of range"), 400),
    ],
)
def test_what_is_expected_to_go_wrong_has_a_status(error, status):
    answer = handle(error, {})

    assert answer.status_code == answer.data["status"] == status
    assert "secret" not in answer.data["detail"]


def test_a_defect_of_ours_is_not_hidden():
    assert handle(RuntimeError("defect"), {}) is None


def test_a_defect_of_ours_is_told_in_the_same_shape(client, monkeypatch):
    def broken(*args):
        raise RuntimeError("secret")

    monkeypatch.setattr(Variables, "list", broken)

    problem = assert_problem(client.get(ROUTE), 500)

    assert "secret" not in str(problem)


def test_nested_errors_have_dotted_paths():
    nested = {"recipients": [{}, {"to": ["Missing."]}], "non_field_errors": ["All."]}

    errors = handle(ValidationError(nested), {}).data["errors"]

    assert errors == [
        {"field": "recipients.1.to", "message": "Missing."},
        {"field": "", "message": "All."},
    ]
