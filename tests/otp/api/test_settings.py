"""Configurations, blocked prefixes and test numbers through the API."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from otp import models
from otp.models import BlockedPrefix, OtpConfiguration, OtpEntry
from tests.factories import make_provider
from tests.factories_api import caller
from tests.factories_templates import make_template, make_version
from tests.otp.factories import make_configuration

pytestmark = pytest.mark.django_db

CONFIGURATIONS = "/api/v1/otp-configurations/"
DEFAULT = f"{CONFIGURATIONS}default/"
PREFIXES = "/api/v1/otp-blocked-prefixes/"
NUMBERS = "/api/v1/otp-test-numbers/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def client():
    return caller("otp_settings")


def fields(answer):
    assert answer.status_code == 400, answer.content
    return {error["field"] for error in answer.json()["errors"]}


def test_default_is_answered_when_nothing_is_stored(client):
    listed, one = client.get(CONFIGURATIONS).json(), client.get(DEFAULT).json()

    assert listed["results"] == [one]
    assert (one["id"], one["purpose"], one["is_default"]) == (None, "default", True)
    assert (one["length"], one["kind"], one["bits"]) == (6, "numeric", 19.9)
    assert (one["expiry_duration"], one["expiry_unit"], one["tries"]) == (5, "min", 5)
    assert not OtpConfiguration.objects.exists()


def test_default_is_stored_when_it_is_changed(client):
    answer = client.patch(DEFAULT, {"length": 8})

    row = OtpConfiguration.objects.get()
    assert answer.status_code == 200, answer.content
    assert (answer.json()["id"], row.purpose, row.length, row.is_default) == (
        row.pk,
        "default",
        8,
        True,
    )
    assert row.history.get().history_change_reason == f"API key {client.key}"


def test_default_may_be_put_as_a_whole(client):
    body = client.get(DEFAULT).json() | {"tries": 3}

    answer = client.put(DEFAULT, body)

    assert (answer.status_code, answer.json()["tries"]) == (200, 3)
    assert client.put(DEFAULT, body).json() == answer.json()


def test_default_has_the_name_default_whatever_its_purpose(client):
    row = make_configuration(purpose="login", is_default=True)

    assert client.get(DEFAULT).json()["id"] == row.pk


def test_configuration_is_made_read_changed_and_deleted(client):
    made = client.post(CONFIGURATIONS, {"purpose": "login", "name": "Login", "countries": ["GB"]})
    address = f"{CONFIGURATIONS}login/"
    changed = client.patch(address, {"expiry_duration": 90, "expiry_unit": "s"})

    assert made.status_code == 201, made.content
    assert client.get(address).json() == changed.json()
    assert changed.json()["countries"] == ["GB"]
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"purpose": ""}, "purpose"),
        ({"purpose": "log in"}, "purpose"),
        ({"purpose": "taken"}, "purpose"),
        ({"length": 5}, "length"),
        ({"length": "6"}, "length"),
        ({"length": 4}, ""),
        ({"tries": 11}, "tries"),
        ({"tries": 0}, "tries"),
        ({"expiry_duration": 11}, ""),
        ({"expiry_duration": 601, "expiry_unit": "s"}, ""),
        ({"kind": "emoji"}, "kind"),
        ({"countries": ["XX"]}, "countries"),
        ({"countries": ["gb"]}, "countries.0"),
        ({"countries": "GB"}, "countries"),
        ({"webotp_domain": "https://example.com"}, "webotp_domain"),
        ({"sms_template": 999_999}, "sms_template"),
        ({"is_default": "yes"}, "is_default"),
        ({"fallback_after": 601}, "fallback_after"),
    ],
)
def test_configuration_that_is_not_valid_is_told_at_its_field(client, values, field):
    make_configuration(purpose="taken")

    answer = client.post(CONFIGURATIONS, {"purpose": "login", "name": "Login", **values})

    assert field in fields(answer)
    assert OtpConfiguration.objects.count() == 1


def test_four_digits_need_tighter_limits(client):
    body = {"purpose": "door", "name": "Door", "length": 4}
    tight = {"tries": 3, "failures_per_destination_day": 3}

    refused = client.post(CONFIGURATIONS, body)

    assert "3" in refused.json()["errors"][0]["message"]
    assert client.post(CONFIGURATIONS, body | tight).json()["bits"] == 13.3


def test_there_is_one_default(client):
    make_configuration(is_default=True)

    assert fields(client.post(CONFIGURATIONS, {"purpose": "b", "name": "B", "is_default": True}))


def test_template_and_provider_are_of_the_channel(client):
    sms, email = (
        make_version(make_template(channel_type=kind, category="otp"), text="{{ code }}").template
        for kind in ("sms", "email")
    )
    provider = make_provider(channel_type="email")
    make_configuration(purpose="login")

    def patch(**values):
        return client.patch(f"{CONFIGURATIONS}login/", values)

    assert patch(sms_template=sms.pk, email_provider=provider.pk).status_code == 200
    assert fields(patch(sms_template=email.pk)) == {"sms_template"}
    assert fields(patch(sms_provider=provider.pk)) == {"sms_provider"}
    assert patch(sms_template=None).json()["sms_template"] is None


def test_purpose_cannot_be_changed(client):
    make_configuration(purpose="login")

    assert fields(client.patch(f"{CONFIGURATIONS}login/", {"purpose": "other"})) == {"purpose"}


def test_default_that_is_not_stored_cannot_be_deleted(client):
    assert client.delete(DEFAULT).status_code == 404


def test_filter_that_is_misspelt_is_refused(client):
    assert client.get(f"{CONFIGURATIONS}?purpos=login").status_code == 400
    assert client.get(f"{CONFIGURATIONS}?purpose=login").json()["count"] == 0


@pytest.mark.parametrize("scopes", [("otp",), ("read",), ("read", "otp", "provider")])
def test_key_that_sends_codes_cannot_loosen_their_limits(scopes):
    make_configuration(purpose="login")
    client = caller(*scopes)

    answers = [
        client.patch(f"{CONFIGURATIONS}login/", {"tries": 10}),
        client.post(CONFIGURATIONS, {"purpose": "a", "name": "A"}),
        client.delete(f"{CONFIGURATIONS}login/"),
        client.post(PREFIXES, {"prefix": "+44"}),
        client.post(NUMBERS, {"destination": "+447700900123", "code": "424242"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert not BlockedPrefix.objects.exists()


def test_prefix_is_blocked_and_lifted(client):
    made = client.post(PREFIXES, {"prefix": "+447700", "until": (timezone.now() + DAY).isoformat()})
    row = BlockedPrefix.objects.get()

    assert made.status_code == 201, made.content
    assert (made.json()["in_force"], made.json()["reason"]) == (True, "operator")
    assert row.note == f"API key {client.key}"
    lifted = client.post(f"{PREFIXES}{row.pk}/lift/")
    assert (lifted.status_code, lifted.json()["in_force"]) == (200, False)
    assert client.post(f"{PREFIXES}{row.pk}/lift/").status_code == 409
    told = [(entry.kind, entry.caller) for entry in OtpEntry.objects.order_by("id")]
    key = f"key {client.key.prefix}"
    assert told == [("blocked", key), ("lifted", key)]


def test_prefix_that_is_blocked_keeps_its_block_with_the_new_end(client):
    first = client.post(PREFIXES, {"prefix": "example.com"}).json()
    until = (timezone.now() + DAY).replace(microsecond=0)

    again = client.post(PREFIXES, {"prefix": "example.com", "until": until.isoformat()}).json()

    assert again["id"] == first["id"]
    assert BlockedPrefix.objects.get().until == until


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prefix"),
        ({"prefix": "44"}, "prefix"),
        ({"prefix": "+0"}, "prefix"),
        ({"prefix": "+44\n"}, "prefix"),
        ({"prefix": "\uff0b44"}, "prefix"),
        ({"prefix": "+44", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"prefix": "+44", "until": "tomorrow"}, "until"),
    ],
)
def test_prefix_that_is_not_valid_is_refused(client, body, field):
    answer = client.post(PREFIXES, body)

    if body.get("prefix") == "+44\n":  # blanks at the ends do not matter
        assert BlockedPrefix.objects.get().prefix == "+44"
    else:
        assert fields(answer) == {field}


def test_blocks_are_filtered(client):
    now = timezone.now()
    BlockedPrefix.objects.create(prefix="+447700", until=now + DAY)
    BlockedPrefix.objects.create(prefix="+40", until=now - DAY)
    BlockedPrefix.objects.create(prefix="+1", lifted_at=now)

    def found(query):
        return {row["prefix"] for row in client.get(f"{PREFIXES}?{query}").json()["results"]}

    assert found("in_force=true") == {"+447700"}
    assert found("in_force=false") == {"+40", "+1"}
    assert found("search=%2B4") == {"+447700", "+40"}
    assert client.get(f"{PREFIXES}?in_force=1").status_code == 400
    assert client.delete(f"{PREFIXES}{BlockedPrefix.objects.first().pk}/").status_code == 405


def test_test_number_is_kept_in_the_form_that_is_compared(client, settings):
    settings.DEFAULT_PHONE_REGION = "GB"

    phone = client.post(NUMBERS, {"destination": "07700 900123", "code": "424242"})
    mail = client.post(NUMBERS, {"destination": "Ana@Example.COM", "code": "ABCD"})

    assert (phone.status_code, phone.json()["destination"]) == (201, "+447700900123")
    assert (mail.status_code, mail.json()["destination"]) == (201, "ana@example.com")
    again = client.post(NUMBERS, {"destination": "+44 7700 900123", "code": "1234"})
    assert fields(again) == {"destination"}
    assert client.delete(f"{NUMBERS}{mail.json()['id']}/").status_code == 204
    assert models.TestNumber.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"destination": "nobody"}, "destination"),
        ({"destination": "a@b@c"}, "destination"),
        ({"destination": 447700900123}, "destination"),
        ({"destination": "+4477\0"}, "destination"),
        ({"code": "123"}, "code"),
        ({"code": "123456789"}, "code"),
        ({"code": "abcd"}, "code"),
        ({"code": 1234}, "code"),
        ({"code": "\uff11\uff12\uff13\uff14"}, "code"),
    ],
)
def test_test_number_that_is_not_valid_is_refused(client, values, field):
    answer = client.post(NUMBERS, {"destination": "+447700900123", "code": "424242", **values})

    assert fields(answer) == {field}
