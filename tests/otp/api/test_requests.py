"""Requests sent again, cancelled and looked up through the API."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from otp.api import throttling
from otp.models import OtpChallenge, OtpCount
from tests.factories import NOW
from tests.factories_api import caller, make_api_key
from tests.otp.api.conftest import EMAIL, IP, MOBILE, ROUTE, Shop

pytestmark = pytest.mark.django_db

SECOND = datetime.timedelta(seconds=1)


def test_new_code_voids_the_old_one(shop):
    request_id = shop.sent()
    old = shop.code()
    shop.later(seconds=30)

    answer = shop.post("resend", request_id=request_id, client_ip=IP)

    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert (said["request_id"], said["channel"], said["success"]) == (request_id, "sms", True)
    assert (said["client_ip_missing"], said["resend_after"]) == (False, 60)
    assert shop.check(request_id, old)["status"] == "incorrect" or old == shop.code()
    assert shop.check(request_id, shop.code())["success"]


def test_too_soon_is_429_and_the_old_code_is_still_good(shop):
    request_id = shop.sent()

    answer = shop.post("resend", request_id=request_id)

    assert (answer.status_code, answer.json()["code"]) == (429, "cool_down")
    assert 20 < int(answer.headers["Retry-After"]) <= 30
    assert shop.check(request_id, shop.code())["success"]


def test_other_channel_takes_over(shop):
    request_id = shop.ask(mobile=MOBILE, email=EMAIL).json()["sms"]["request_id"]
    shop.later(seconds=30)

    answer = shop.post("resend", request_id=request_id, channel="email")

    assert (answer.status_code, answer.json()["channel"]) == (200, "email")
    assert shop.scripted.seen[-1].to == EMAIL
    assert shop.check(answer.json()["request_id"], shop.code())["success"]


def test_channel_without_an_address_is_422(shop):
    answer = shop.post("resend", request_id=shop.sent(), channel="email")

    assert (answer.status_code, answer.json()["code"]) == (422, "no_other_channel")


def test_request_of_another_key_or_of_nobody_is_404(shop):
    request_id = shop.sent()
    other = Shop(shop.scripted, shop.clock)
    shop.later(minutes=1)

    answers = [
        other.post("resend", request_id=request_id),
        other.post("resend", request_id="0" * 32),
        other.post("resend", request_id="nothing"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(shop.scripted.seen) == 1


def test_repeated_resend_sends_once(shop):
    request_id = shop.sent()
    shop.later(minutes=1)

    first, again = (shop.post("resend", key="a", request_id=request_id) for _ in range(2))

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert len(shop.scripted.seen) == 2


def test_provider_that_is_down_is_503(shop):
    request_id = shop.sent()
    shop.later(minutes=1)
    shop.provider_refuses()

    answer = shop.post("resend", request_id=request_id)

    assert (answer.status_code, answer.json()["code"]) == (503, "provider")


def test_cancelled_request_takes_no_code(shop):
    request_id = shop.sent()

    first = shop.post("cancel", request_id=request_id).json()
    again = shop.post("cancel", request_id=request_id).json()

    said = {"request_id": request_id, "status": "cancelled", "status_number": 3}
    assert first == {"success": True, **said}
    assert again == {"success": False, **said}
    assert shop.check(request_id, shop.code())["status"] == "unknown"


@pytest.mark.parametrize("name", ["0" * 32, "nothing"])
def test_there_is_nothing_to_cancel_of_an_unknown_request(shop, name):
    said = shop.post("cancel", request_id=name).json()

    assert (said["success"], said["status"], said["status_number"]) == (False, "unknown", 0)


def test_another_key_cancels_nothing(shop):
    request_id = shop.sent()
    other = Shop(shop.scripted, shop.clock)

    assert other.post("cancel", request_id=request_id).json()["success"] is False
    assert shop.check(request_id, shop.code())["success"]


def test_status_is_a_word_and_a_number(shop):
    request_id = shop.sent(purpose="login")
    pending = shop.status(request_id)
    shop.check(request_id, shop.wrong())
    tried = shop.status(request_id)
    shop.check(request_id, shop.code())
    approved = shop.status(request_id)

    assert (pending["status"], pending["status_number"]) == ("pending", 1)
    assert (pending["channel"], pending["purpose"]) == ("sms", "login")
    assert pending["masked_to"] == "+4*********23"
    assert 20 < pending["resend_after"] <= 30
    assert (pending["tries_left"], tried["tries_left"], approved["tries_left"]) == (5, 4, 0)
    assert (approved["status"], approved["status_number"]) == ("approved", 2)
    assert pending["used_at"] is None
    assert approved["used_at"]
    assert MOBILE not in str(approved)


def test_status_of_what_is_over(shop):
    expired, tried, failed = shop.sent(), shop.sent(mobile="+447700900124"), ""
    for _ in range(5):
        shop.check(tried, shop.wrong())
    shop.provider_refuses()
    shop.ask(mobile="+447700900125")
    failed = OtpChallenge.objects.latest("id").request_id.hex
    shop.later(minutes=5)

    said = [shop.status(name) for name in (expired, tried, failed)]

    assert [one["status_number"] for one in said] == [4, 3, 3]
    assert [one["status"] for one in said] == ["expired", "exhausted", "failed"]


@pytest.mark.parametrize("name", ["0" * 32, "x", "a" * 300, "%00", "\u0660" * 32])
def test_status_of_what_is_not_there_is_unknown(shop, name):
    said = shop.status(name)

    assert (said["status"], said["status_number"], said["expires_at"]) == ("unknown", 0, None)


def test_another_keys_request_is_as_one_that_is_not_there(shop):
    request_id = shop.sent()
    shop.api = caller("read")

    assert shop.status(request_id) == {**shop.status("0" * 32), "request_id": request_id}


def test_sixty_lookups_a_minute_and_then_one_each_second():
    key, other = make_api_key()[0], make_api_key()[0]

    taken = [throttling.take(key, NOW) for _ in range(61)]

    assert taken == [True] * 60 + [False]
    assert throttling.seconds_to_wait(key, NOW) == 1.0
    assert throttling.take(other, NOW)
    assert throttling.take(key, NOW + SECOND)
    assert not throttling.take(key, NOW + SECOND)
    later = NOW + datetime.timedelta(hours=1)
    assert [throttling.take(key, later) for _ in range(61)] == [True] * 60 + [False]


def test_lookups_are_limited_and_nothing_else_is(shop):
    request_id = shop.sent()
    full = timezone.now() + datetime.timedelta(minutes=1)
    OtpCount.objects.create(kind="status", key=shop.api.key.prefix, touched_at=full)

    answer = shop.api.get(f"{ROUTE}{request_id}/")

    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert int(answer.headers["Retry-After"]) <= 2
    assert shop.check(request_id, shop.code())["success"]
    shop.later(seconds=2)
    assert shop.status(request_id)["status"] == "approved"
