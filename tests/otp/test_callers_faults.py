"""What a caller names must do for a code; else it is told, by the name that it gave."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import ValidationError

from otp.asking import ChannelAsked, InvalidOtp
from otp.models import OtpChallenge, OtpConfiguration, OtpCount, OtpEntry
from tests.factories import make_provider
from tests.factories_templates import make_template, make_version
from tests.otp.conftest import EMAIL, MOBILE
from tests.otp.factories import make_configuration


def sms_template(text="{{ code }}", category="otp"):
    template = make_template(channel_type="sms", category=category)
    return make_version(template, text=text, html="").template


def fields(phone, **asked):
    with pytest.raises(InvalidOtp) as refused:
        phone.ask(**asked)
    assert not phone.seen
    assert not OtpChallenge.objects.exists()
    assert not OtpCount.objects.exists()
    return [name for name, _ in refused.value.faults]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Buy now", "otp"),
        ("{{ code }}", "promotional"),
        ("{{ code }}", ""),
        ("{% if code %}{{ code }}{% endif %}", "transactional"),
    ],
)
def test_template_that_is_for_no_code_is_refused(phone, text, category):
    template = sms_template(text, category)

    asked = ChannelAsked(template=template.pk)

    assert fields(phone, overrides={"sms": asked}) == ["overrides.sms.template"]


def test_template_of_another_channel_is_refused(phone):
    asked = ChannelAsked(template=sms_template().pk)

    found = fields(phone, email=EMAIL, overrides={"email": asked})

    assert found == ["overrides.email.template"]


@pytest.mark.parametrize(
    "values", [{"is_active": False}, {"channel_type": "email"}, None], ids=["off", "mail", "none"]
)
def test_provider_that_cannot_be_used_is_the_callers_fault(phone, values):
    made = values and make_provider(backend="scripted", **{"channel_type": "sms", **values})
    asked = ChannelAsked(provider=made.pk if made else 999_999)

    assert fields(phone, overrides={"sms": asked}) == ["overrides.sms.provider"]


def test_one_code_cannot_have_two_lengths(phone):
    overrides = {"sms": ChannelAsked(length=4), "email": ChannelAsked(length=8)}

    found = fields(phone, mobile=MOBILE, email=EMAIL, same_code=True, overrides=overrides)

    assert found == ["same_code"]


def test_address_that_means_something_on_one_machine_only_is_refused(phone):
    assert fields(phone, client_ip="fe80::1%eth0") == ["client_ip"]


@pytest.mark.parametrize(("text", "category"), [("Buy now", "otp"), ("{{ code }}", "promotional")])
def test_configuration_takes_no_template_that_is_for_no_code(db, text, category):
    row = OtpConfiguration(purpose="login", name="L", sms_template=sms_template(text, category))

    with pytest.raises(ValidationError) as refused:
        row.full_clean()

    assert list(refused.value.message_dict) == ["sms_template"]


def test_configuration_takes_a_template_that_says_the_code(db):
    OtpConfiguration(purpose="login", name="L", sms_template=sms_template()).full_clean()


def test_caller_learns_when_a_resting_provider_is_back(phone, ways):
    ways["sms"].resting_until = phone.now + datetime.timedelta(seconds=90)
    ways["sms"].save()

    (sent,) = phone.ask()

    assert (sent.code, sent.resend_after) == ("provider", 90)


def test_template_that_lost_its_code_since_it_was_chosen_sends_nothing(phone):
    template = sms_template()
    make_configuration(is_default=True, sms_template=template)
    make_version(template, text="Buy now", html="")

    (sent,) = phone.ask()

    assert (sent.success, sent.code) == (False, "provider")
    assert "{{ code }}" in OtpEntry.objects.get().detail
    assert not phone.seen
