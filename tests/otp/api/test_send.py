"""Codes asked for through the API."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from omnichannel.models import IdempotentReply, Suppression
from otp.models import OtpChallenge, OtpEntry
from tests.factories_api import caller
from tests.otp.api.conftest import EMAIL, IP, MOBILE, ROUTE
from tests.otp.factories import make_configuration

pytestmark = pytest.mark.django_db

NOT_ASCII = "\uff11\uff12\uff13\uff14\uff15\uff16"


def problem(answer, status):
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()


def fields(answer):
    return sorted(error["field"] for error in problem(answer, 400)["errors"])


def test_code_is_sent_and_the_answer_says_all_but_the_code(shop):
    answer = shop.ask()

    row = OtpChallenge.objects.get()
    assert answer.status_code == 201
    sms = answer.json()["sms"]
    assert parse_datetime(sms.pop("expires_at")) == row.created_at + datetime.timedelta(minutes=5)
    assert answer.json() | {"sms": sms} == {
        "sms": {
            "success": True,
            "request_id": row.request_id.hex,
            "masked_to": "+4*********23",
            "resend_after": 30,
            "tries_left": 5,
            "code": "",
            "message": "A code was sent.",
        },
        "email": None,
        "client_ip_missing": False,
    }
    assert shop.code() not in answer.content.decode()
    assert (row.caller, row.client_ip) == (f"key {shop.api.key.prefix}", IP)


def test_both_channels_have_a_request_and_a_code_each(shop):
    found = shop.ask(mobile=MOBILE, email=EMAIL, same_code=False).json()

    assert found["sms"]["request_id"] != found["email"]["request_id"]
    assert found["email"]["masked_to"] == "a***@example.com"
    assert len(shop.scripted.seen) == 2
    assert shop.check(found["email"]["request_id"], shop.code(1))["success"]


def test_same_code_on_both_settles_both(shop):
    found = shop.ask(mobile=MOBILE, email=EMAIL, same_code=True).json()

    assert shop.code(0) == shop.code(1)
    assert shop.check(found["sms"]["request_id"], shop.code(1))["success"]
    assert shop.check(found["email"]["request_id"], shop.code(1))["status"] == "used"


def test_a_call_may_have_its_own_length_and_life(shop):
    answer = shop.ask(overrides={"sms": {"length": 8, "expires_in": 60}})

    assert len(shop.code()) == 8
    expires = parse_datetime(answer.json()["sms"]["expires_at"])
    assert expires == OtpChallenge.objects.get().created_at + datetime.timedelta(minutes=1)


def test_without_the_end_users_address_the_callers_counts_and_the_answer_says_so(shop):
    answer = shop.post("send", mobile=MOBILE)

    assert answer.json()["client_ip_missing"] is True
    assert OtpChallenge.objects.get().client_ip == "127.0.0.1"


def test_long_name_of_a_browser_is_cut(shop):
    assert shop.ask(user_agent="a" * 2_000).status_code == 201
    assert OtpChallenge.objects.get().user_agent == "a" * 255


@pytest.mark.parametrize("own", ["::ffff:198.51.100.7", IP])
def test_limit_of_an_address_cannot_be_passed_by_another_spelling(shop, own):
    make_configuration(is_default=True, sends_per_ip_hour=1)
    shop.ask()

    answer = shop.post("send", email=EMAIL, client_ip=own)

    assert problem(answer, 429)["code"] == "too_many_sends"


def test_cool_down_is_429_with_the_seconds_to_wait(shop):
    shop.ask()
    shop.later(seconds=10)

    answer = shop.ask()

    assert problem(answer, 429)["code"] == "cool_down"
    assert 10 < int(answer.headers["Retry-After"]) <= 20
    assert len(shop.scripted.seen) == 1


def test_after_the_wait_a_code_is_sent_again(shop):
    shop.ask()
    shop.later(seconds=int(shop.ask().headers["Retry-After"]))

    assert shop.ask().status_code == 201


def test_too_many_sends_are_429(shop):
    make_configuration(is_default=True, sends_per_destination_hour=1)
    shop.ask()
    shop.later(minutes=20)

    answer = shop.ask()

    assert problem(answer, 429)["code"] == "too_many_sends"
    assert 0 < int(answer.headers["Retry-After"]) <= 3_660


@pytest.mark.parametrize(
    ("mobile", "code"), [("+12025550123", "country"), ("+449098790123", "premium")]
)
def test_number_to_which_none_goes_is_422(shop, mobile, code):
    answer = shop.ask(mobile=mobile)

    assert problem(answer, 422)["code"] == code
    assert "Retry-After" not in answer.headers
    assert not shop.scripted.seen


def test_purpose_that_is_switched_off_is_422(shop):
    make_configuration(purpose="login", is_active=False)

    assert problem(shop.ask(purpose="login"), 422)["code"] == "inactive"


def test_provider_that_is_down_is_503_and_asking_again_works(shop):
    working = shop.scripted.answer
    shop.provider_refuses()

    answer = shop.ask()

    assert problem(answer, 503)["code"] == "provider"
    shop.scripted.answer = working
    assert shop.ask().status_code == 201


def test_one_channel_that_works_is_enough(shop, ways):
    ways["sms"].stopped_at = timezone.now()
    ways["sms"].save()

    found = shop.ask(mobile=MOBILE, email=EMAIL)

    assert found.status_code == 201
    assert (found.json()["sms"]["success"], found.json()["sms"]["code"]) == (False, "provider")
    assert shop.check(found.json()["email"]["request_id"], shop.code())["success"]


def test_answer_is_the_same_for_known_and_unknown_destinations(shop):
    known = shop.sent(mobile="+447700900100")
    shop.check(known, shop.code())
    shop.later(hours=2)

    def said(mobile):
        answer = shop.ask(mobile=mobile)
        text = answer.json()["sms"]
        return (
            answer.status_code,
            text | dict.fromkeys(("request_id", "masked_to", "expires_at")),
            dict(answer.headers),
        )

    first, second = said("+447700900100"), said("+447700900199")
    for each in (first, second):
        each[2].pop("Content-Length", None)
    assert first == second


def test_suppressed_address_gets_none(shop):
    Suppression.objects.create(channel_type="email", address=EMAIL)

    assert problem(shop.ask(email=EMAIL), 422)["code"] == "suppressed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mobile"),
        ({"mobile": "12"}, "mobile"),
        ({"mobile": 447700900123}, "mobile"),
        ({"mobile": "+4477\0"}, "mobile"),
        ({"mobile": "\ud800"}, "mobile"),
        ({"email": "nobody"}, "email"),
        ({"email": "a" * 400}, "email"),
        ({"mobile": MOBILE, "purpose": "log in"}, "purpose"),
        ({"mobile": MOBILE, "purpose": "p" * 41}, "purpose"),
        ({"mobile": MOBILE, "client_ip": "999.1.1.1"}, "client_ip"),
        ({"mobile": MOBILE, "client_ip": "fe80::1%eth0"}, "client_ip"),
        ({"mobile": MOBILE, "client_ip": NOT_ASCII}, "client_ip"),
        ({"mobile": MOBILE, "client_ip": 1}, "client_ip"),
        ({"mobile": MOBILE, "client_ip": "1" * 46}, "client_ip"),
        ({"mobile": MOBILE, "user_agent": "a" * 2_001}, "user_agent"),
        ({"mobile": MOBILE, "user_agent": "\0"}, "user_agent"),
        ({"mobile": MOBILE, "same_code": "yes"}, "same_code"),
        ({"mobile": MOBILE, "language": "p" * 81}, "language"),
        ({"mobile": MOBILE, "variables": []}, "variables"),
        ({"mobile": MOBILE, "variables": {"a": "\0"}}, "variables"),
        ({"mobile": MOBILE, "variables": {"a": "x" * 20_000}}, "variables"),
        ({"mobile": MOBILE, "variables": {"code": "123456"}}, "variables.code"),
        ({"mobile": MOBILE, "overrides": {"sms": {"length": 5}}}, "overrides.sms.length"),
        ({"mobile": MOBILE, "overrides": {"sms": {"expires_in": 601}}}, "overrides.sms.expires_in"),
        ({"mobile": MOBILE, "overrides": {"fax": {}}}, "overrides.fax"),
        ({"mobile": MOBILE, "overrides": {"sms": {"provider": 2**63}}}, "overrides.sms.provider"),
        ({"mobile": MOBILE, "phone": MOBILE}, "phone"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(shop, body, field):
    answer = shop.post("send", **body)

    assert field in fields(answer)
    assert not shop.scripted.seen
    assert not OtpChallenge.objects.exists()


@pytest.mark.parametrize("body", [[], "text", None, 5, [{"mobile": MOBILE}]])
def test_body_that_is_no_object_is_refused(shop, body):
    assert shop.api.post(f"{ROUTE}send/", body, format="json").status_code == 400


@pytest.mark.parametrize("way", [{"template": "nothing"}, {"template": 999_999}])
def test_template_that_is_not_there_is_the_callers_fault(shop, way):
    assert fields(shop.ask(overrides={"sms": way}))
    assert not shop.scripted.seen


def test_repeated_call_is_answered_again_and_sends_nothing(shop):
    first, again = (shop.post("send", key="order-1", mobile=MOBILE, client_ip=IP) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(shop.scripted.seen) == 1
    assert shop.code() not in "".join(map(str, IdempotentReply.objects.values().get().values()))


def test_refused_call_is_not_kept(shop):
    shop.ask()

    assert shop.post("send", key="a", mobile=MOBILE, client_ip=IP).status_code == 429
    shop.later(minutes=1)
    assert shop.post("send", key="a", mobile=MOBILE, client_ip=IP).status_code == 201


def test_key_without_the_scope_sends_nothing(shop):
    shop.api = caller("read", "send", "otp_settings")

    assert problem(shop.ask(), 403)["detail"].endswith("“otp”.")
    assert not OtpEntry.objects.exists()


def test_503_says_when_a_resting_provider_is_back(shop, ways):
    ways["sms"].resting_until = timezone.now() + datetime.timedelta(seconds=90)
    ways["sms"].save()

    answer = shop.ask()

    assert problem(answer, 503)["code"] == "provider"
    assert 80 < int(answer.headers["Retry-After"]) <= 90
