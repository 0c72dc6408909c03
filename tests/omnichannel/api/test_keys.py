from __future__ import annotations

import datetime
import io

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from omnichannel import api_keys
from omnichannel.api import throttling
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import ApiKey
from tests.factories import NOW
from tests.factories_api import caller, client_with, make_api_key

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/variables/"


def test_key_is_kept_as_a_digest_only():
    row, key = make_api_key("read")

    assert key.startswith(f"oms_live_{row.prefix}_")
    stored = str(ApiKey.objects.values().get()) + str(list(ApiKey.history.values()))
    assert key.rpartition("_")[2] not in stored
    assert "digest" not in ApiKey.history.values().get()


def test_key_opens_the_api():
    _, key = make_api_key("read")

    assert client_with(key).get(ROUTE).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer oms_live_abcdefgh_" + "0" * 64,
        "Bearer \xff\xfe",
        "Bearer " + "x" * 10_000,
    ],
)
def test_other_headers_do_not(header):
    answer = APIClient().get(ROUTE, HTTP_AUTHORIZATION=header)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_right_prefix_with_a_wrong_secret_does_not():
    _, key = make_api_key("read")
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")

    assert client_with(wrong).get(ROUTE).status_code == 401


def test_live_key_cannot_be_shown_as_a_test_key():
    _, key = make_api_key("read")

    assert client_with(key.replace("_live_", "_test_")).get(ROUTE).status_code == 401


def test_a_session_does_not_open_the_api(admin_client):
    assert admin_client.get(ROUTE).status_code == 401


def test_expired_key_opens_nothing():
    _, key = make_api_key("read", expires_at=timezone.now() - datetime.timedelta(seconds=1))

    assert client_with(key).get(ROUTE).status_code == 401


def test_revoked_key_opens_nothing_and_is_revoked_once():
    row, key = make_api_key("read")

    api_keys.revoke(row, at=NOW)

    assert client_with(key).get(ROUTE).status_code == 401
    with pytest.raises(IllegalTransition):
        api_keys.revoke(row, at=NOW)


def test_recognising_a_key_is_one_query(django_assert_num_queries):
    _, key = make_api_key("read")

    with django_assert_num_queries(1):
        assert api_keys.recognised(key, NOW)


def test_use_is_noted_once_a_minute():
    row, _ = make_api_key("read")

    for seconds in (0, 59, 60, 61):
        row.refresh_from_db()
        api_keys.note_use(row, NOW + datetime.timedelta(seconds=seconds))

    row.refresh_from_db()
    assert row.last_used_at == NOW + datetime.timedelta(seconds=60)


def test_note_of_another_process_counts(django_assert_num_queries):
    row, _ = make_api_key("read")
    stale = ApiKey.objects.get()
    api_keys.note_use(row, NOW)

    api_keys.note_use(stale, NOW + datetime.timedelta(seconds=30))

    row.refresh_from_db()
    assert row.last_used_at == NOW


@pytest.mark.parametrize("scopes", [[], ["root"], ["read", "*"]])
def test_unknown_scopes_are_refused(scopes):
    with pytest.raises(ValidationError):
        api_keys.create("Shop", scopes)


def test_limit_of_requests_is_kept():
    row, _ = make_api_key("read", rate_limit=3)

    taken = [throttling.take(row, NOW) for _ in range(5)]

    assert taken == [True, True, True, False, False]


def test_after_the_time_told_one_more_request_goes():
    row, _ = make_api_key("read", rate_limit=3)
    while throttling.take(row, NOW):
        pass

    wait = throttling.seconds_to_wait(row, NOW)

    assert wait == 20
    assert not throttling.take(row, NOW + datetime.timedelta(seconds=wait - 1))
    assert throttling.take(row, NOW + datetime.timedelta(seconds=wait))


def test_too_many_requests_are_answered_with_429_and_when_to_come_back():
    client = caller("read", rate_limit=1)
    client.get(ROUTE)

    answer = client.get(ROUTE)

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_command_prints_a_key_that_works():
    out = io.StringIO()

    call_command(
        "create_api_key", "Shop", scopes="read, send", test=True, expires=30, rate=60, stdout=out
    )

    key = out.getvalue().strip()
    row = ApiKey.objects.get()
    assert key.startswith("oms_test_")
    assert (row.scopes, row.rate_limit, row.is_test) == (["read", "send"], 60, True)
    assert client_with(key).get(ROUTE).status_code == 200


@pytest.mark.parametrize("wrong", [{"scopes": "all"}, {"scopes": ""}, {"expires": 0}, {"rate": -1}])
def test_command_refuses_nonsense(wrong):
    with pytest.raises(CommandError):
        call_command("create_api_key", "Shop", **{"scopes": "read", **wrong})

    assert not ApiKey.objects.exists()
