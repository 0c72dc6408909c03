"""Codes checked through the API: whatever is typed, the answer is a word."""

from __future__ import annotations

import pytest

from omnichannel.models import IdempotentReply
from otp import models
from otp.models import OtpChallenge
from tests.factories import make_provider
from tests.factories_api import caller
from tests.otp.api.conftest import IP, MOBILE, ROUTE, Shop
from tests.otp.factories import make_configuration

pytestmark = pytest.mark.django_db

WIDE = 0xFEE0  # from a digit to its full-width form


def test_right_code_is_approved_once_and_says_what_is_verified(shop):
    request_id = shop.sent(purpose="login")

    first = shop.check(request_id, shop.code(), purpose="login", client_ip=IP)
    again = shop.check(request_id, shop.code())

    assert first == {
        "success": True,
        "status": "approved",
        "status_number": 2,
        "tries_left": 0,
        "channel": "sms",
        "purpose": "login",
        "to": MOBILE,
    }
    assert (again["success"], again["status"], again["status_number"]) == (False, "used", 3)
    assert (again["to"], again["purpose"]) == ("", "")


def test_wrong_codes_use_up_the_tries(shop):
    request_id = shop.sent()

    said = [shop.check(request_id, shop.wrong()) for _ in range(6)]

    assert [one["status"] for one in said] == ["incorrect"] * 5 + ["exhausted"]
    assert [one["tries_left"] for one in said] == [4, 3, 2, 1, 0, 0]
    assert [one["status_number"] for one in said] == [1] * 5 + [3]
    assert shop.check(request_id, shop.code())["status"] == "exhausted"
    assert {one["to"] for one in said} == {""}


def test_code_is_expired_after_its_life(shop):
    request_id = shop.sent()
    shop.later(minutes=5)

    said = shop.check(request_id, shop.code())

    assert (said["status"], said["status_number"], said["tries_left"]) == ("expired", 4, 0)


@pytest.mark.parametrize(
    "request_id",
    ["x", "0" * 32, "g" * 32, "{" + "0" * 32 + "}", "\u0660" * 32, "0" * 64, "' OR 1=1 --"],
)
def test_request_that_is_not_there_is_unknown(shop, request_id):
    said = shop.check(request_id, "123456")

    assert (said["status"], said["status_number"], said["tries_left"]) == ("unknown", 0, 0)


@pytest.mark.parametrize("request_id", ["", "0" * 65, "\0", 5, None, [], "\udfff"])
def test_what_is_no_name_of_a_request_is_refused(shop, request_id):
    for what in ("verify", "resend", "cancel"):
        body = {"code": "123456"} if what == "verify" else {}
        answer = shop.post(what, request_id=request_id, **body)
        assert answer.status_code == 400, answer.content
        assert answer.json()["errors"][0]["field"] == "request_id"


def test_another_keys_request_is_unknown_and_loses_no_try(shop):
    request_id, code = shop.sent(), shop.code()
    other = Shop(shop.scripted, shop.clock)

    said = other.check(request_id, code)

    assert said == other.check("0" * 32, code)
    assert OtpChallenge.objects.get().tries_used == 0
    assert shop.check(request_id, code)["success"]


def test_code_for_another_purpose_is_unknown(shop):
    request_id = shop.sent(purpose="login")

    assert shop.check(request_id, shop.code(), purpose="payment")["status"] == "unknown"
    assert shop.check(request_id, shop.code(), purpose="login")["success"]


def test_blanks_hyphens_and_the_ids_spelling_do_not_matter(shop):
    request_id, code = shop.sent(), shop.code()
    dashed = str(OtpChallenge.objects.get().request_id).upper()

    assert dashed.replace("-", "").lower() == request_id
    assert shop.check(dashed, f" {code[:3]}-{code[3:]} ")["success"]


def test_full_width_digits_of_the_right_code_are_incorrect(shop):
    request_id = shop.sent()
    wide = "".join(chr(ord(digit) + WIDE) for digit in shop.code())

    assert shop.check(request_id, wide)["status"] == "incorrect"


@pytest.mark.parametrize("typed", ["12345", "1234567", "9" * 64, "\u00e9" * 6, "<b>", "0x1F"])
def test_text_that_is_no_code_is_incorrect(shop, typed):
    request_id = shop.sent()

    said = shop.check(request_id, typed)

    assert (said["status"], said["tries_left"]) == ("incorrect", 4)


@pytest.mark.parametrize(
    "typed",
    [123456, 1e6, True, None, ["123456"], {"code": 1}, "", "   ", "12345\0", "9" * 65, "\ud800"],
)
def test_what_is_no_text_or_no_end_is_refused_and_uses_up_no_try(shop, typed):
    request_id = shop.sent()

    answer = shop.post("verify", request_id=request_id, code=typed)

    assert answer.status_code == 400, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == ["code"]
    assert OtpChallenge.objects.get().tries_used == 0


def test_neither_the_code_nor_the_call_is_kept(shop):
    request_id = shop.sent()

    first = shop.post("verify", key="same", request_id=request_id, code=shop.wrong())
    again = shop.post("verify", key="same", request_id=request_id, code=shop.wrong())

    assert (first.json()["tries_left"], again.json()["tries_left"]) == (4, 3)
    assert "Idempotent-Replayed" not in again.headers
    assert not IdempotentReply.objects.exists()


def test_failures_of_a_destination_count_over_all_its_requests(shop):
    make_configuration(is_default=True, failures_per_destination_day=3)
    first = shop.sent()
    for _ in range(3):
        shop.check(first, shop.wrong())
    shop.later(hours=1)
    second = shop.sent()

    assert shop.check(second, shop.code())["status"] == "exhausted"


@pytest.fixture
def sandbox():
    """Where all goes that a test key sends."""
    return make_provider(backend="sandbox", channel_type="sms")


def test_fixed_code_of_a_test_number_works_with_a_test_key_only(shop, sandbox):
    models.TestNumber.objects.create(destination=MOBILE, code="424242")
    live = shop.sent()
    test = Shop(shop.scripted, shop.clock)
    test.api = caller("otp", is_test=True)

    said = test.check(test.sent(), "424242")

    assert said["success"]
    assert shop.check(live, "424242")["status"] == "incorrect" or shop.code() == "424242"
    assert test.check(live, shop.code())["status"] == "unknown"


def test_test_key_never_reaches_a_provider(shop, sandbox):
    shop.api = caller("otp", is_test=True)

    assert shop.ask().status_code == 201
    assert not shop.scripted.seen


def test_key_without_the_scope_checks_nothing(shop):
    request_id = shop.sent()
    shop.api = caller("read", "otp_settings")

    answer = shop.api.post(f"{ROUTE}verify/", {"request_id": request_id, "code": shop.code()})

    assert answer.status_code == 403
    assert OtpChallenge.objects.get().tries_used == 0
