from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from omnichannel.models import Message
from otp.choices import ChallengeStatus
from otp.models import OtpChallenge, OtpConfiguration
from otp.two_factor import message_codes
from tests.omnichannel.admin.posted import errors_of
from tests.otp.admin.posted import CONFIGURATIONS, SUBMITTED, client_with, configuration_data
from tests.otp.factories import make_challenge, make_configuration

pytestmark = pytest.mark.django_db
NUMBER = "+12025550123"


def add(client, **values):
    return client.post(f"{CONFIGURATIONS}add/", configuration_data(**values))


def test_usual_values_can_be_saved_as_they_are(admin_client):
    response = add(admin_client)

    row = OtpConfiguration.objects.get()
    assert response.status_code == 302
    assert (row.length, row.tries, row.countries) == (6, 5, [])


def test_countries_are_typed_as_codes(admin_client):
    add(admin_client, countries="gb, RO;pt RO")

    row = OtpConfiguration.objects.get()
    assert row.countries == ["GB", "RO", "PT"]
    assert 'value="GB, RO, PT"' in admin_client.get(f"{CONFIGURATIONS}{row.pk}/change/").text


def test_unknown_country_is_refused_at_its_field(admin_client):
    errors = errors_of(add(admin_client, countries="GB, Atlantis"))

    assert "ATLANTIS" in errors["countries"]
    assert "ISO 3166" in errors["countries"]


def test_second_default_is_told_which_is_the_first(admin_client):
    make_configuration(is_default=True, name="Everything")

    errors = errors_of(add(admin_client, is_default="on"))

    assert "“Everything” is the default" in errors["is_default"]


def test_default_can_be_saved_again(admin_client):
    row = make_configuration(is_default=True)

    response = admin_client.post(
        f"{CONFIGURATIONS}{row.pk}/change/", configuration_data(is_default="on", name="New")
    )

    row.refresh_from_db()
    assert (response.status_code, row.name) == (302, "New")


def test_four_characters_need_tight_limits_and_say_so_at_the_fields(admin_client):
    errors = errors_of(add(admin_client, length=4))

    assert errors.keys() >= {"tries", "failures_per_destination_day"}
    assert "3 at most" in errors["tries"]


def test_four_characters_with_tight_limits_are_saved(admin_client):
    add(admin_client, length=4, tries=3, failures_per_destination_day=3)

    assert OtpConfiguration.objects.get().length == 4


def test_code_that_lives_too_long_is_refused(admin_client):
    response = add(admin_client, expiry_duration=11)

    assert "ten minutes at most" in response.text
    assert not OtpConfiguration.objects.exists()


@pytest.mark.parametrize(
    ("values", "bits", "odds"),
    [
        ({}, "20", "50,000"),
        ({"length": 8, "kind": "alphanumeric"}, "35", "1,891,142,968"),
        ({"length": 4, "tries": 3, "failures_per_destination_day": 3}, "13", "3,333"),
    ],
)
def test_strength_is_shown_in_bits(admin_client, values, bits, odds):
    row = make_configuration(**values)

    page = admin_client.get(f"{CONFIGURATIONS}{row.pk}/change/").text

    assert f"<span data-bits>{bits}</span>" in page
    assert f"<span data-odds>{odds}</span>" in page
    assert ("data-weak hidden" in page) == (int(bits) >= 20)


def test_history_is_kept(admin_client):
    row = make_configuration()
    admin_client.post(f"{CONFIGURATIONS}{row.pk}/change/", configuration_data(name="Renamed"))

    assert row.history.count() == 2
    assert "admin" in admin_client.get(f"{CONFIGURATIONS}{row.pk}/history/").text


def test_who_may_only_look_sees_every_value(db):
    row = make_configuration(countries=["GB"])

    page = client_with("view_otpconfiguration").get(f"{CONFIGURATIONS}{row.pk}/change/")

    assert "GB" in page.text
    assert "_save" not in page.text


def test_test_code_arrives_and_the_dialog_says_so(admin_client, ways, scripted, settings):
    settings.DEFAULT_PHONE_REGION = "US"
    row = make_configuration()

    page = send_test(admin_client, row, NUMBER).text

    challenge = OtpChallenge.objects.get()
    assert "Sent to +1********23 by SMS" in page
    assert f"/message/{challenge.message_id}/change/" in page
    assert (challenge.caller, challenge.purpose) == ("studio test", row.purpose)
    assert [message.to for message in scripted.seen] == [NUMBER]


def test_test_code_does_not_void_the_one_that_somebody_signs_in_by(
    admin_client, ways, scripted, settings
):
    settings.DEFAULT_PHONE_REGION = "US"
    row = make_configuration(purpose=message_codes.PURPOSE)
    later = timezone.now() + datetime.timedelta(minutes=5)
    waiting = make_challenge(
        caller=message_codes.CALLER, purpose=row.purpose, destination=NUMBER, expires_at=later
    )

    send_test(admin_client, row, NUMBER)

    waiting.refresh_from_db()
    assert waiting.status == ChallengeStatus.PENDING
    assert len(scripted.seen) == 1


def test_refused_test_code_says_which_guard_it_was(admin_client, ways, scripted):
    row = make_configuration(countries=["GB"])

    page = send_test(admin_client, row, NUMBER).text

    assert "add it under Countries" in page
    assert not scripted.seen


def test_test_code_goes_by_email_too(admin_client, ways, scripted):
    page = send_test(admin_client, make_configuration(), "Ana@Example.com").text

    assert "Sent to a***@example.com by E-mail" in page


def test_code_never_stands_in_the_dialog(admin_client, ways, scripted, settings):
    settings.DEFAULT_PHONE_REGION = "US"

    page = send_test(admin_client, make_configuration(), NUMBER).text

    code = next(word for word in scripted.seen[0].text.split() if word[:6].isdigit())[:6]
    assert code not in page
    assert code not in str(Message.objects.values().get())


def test_refused_test_code_says_why(admin_client, ways, settings):
    settings.DEFAULT_PHONE_REGION = "US"
    off = make_configuration(is_active=False)
    row = make_configuration()

    assert "switched off" in send_test(admin_client, off, NUMBER).text
    send_test(admin_client, row, NUMBER)
    assert "a moment ago" in send_test(admin_client, row, NUMBER).text


def test_test_code_to_no_address_is_refused(admin_client):
    page = send_test(admin_client, make_configuration(), "nobody@").text

    assert "not an e-mail address" in page
    assert not OtpChallenge.objects.exists()


def test_test_code_needs_the_right_to_change(db):
    client = client_with("view_otpconfiguration")

    assert send_test(client, make_configuration(), NUMBER).status_code == 403


def test_configuration_in_use_can_be_deleted(admin_client):
    row = make_configuration()
    challenge = make_challenge(configuration=row)

    admin_client.post(f"{CONFIGURATIONS}{row.pk}/delete/", {"post": "yes"})

    challenge.refresh_from_db()
    assert challenge.configuration is None


def send_test(client, row, address):
    return client.post(
        f"{CONFIGURATIONS}{row.pk}/send_test_code/", {**SUBMITTED, "address": address}
    )
