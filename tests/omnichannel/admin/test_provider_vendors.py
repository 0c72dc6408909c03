"""The provider form of vendors with many settings."""

from __future__ import annotations

import pytest

from omnichannel.admin.backend_fields import conditions
from omnichannel.models import ChannelProvider
from omnichannel.statuses import seed_statuses
from tests.factories import make_provider
from tests.omnichannel.admin.posted import PROVIDERS, errors_of, provider_data

pytestmark = pytest.mark.django_db
SECRET = "correct horse battery"
GENERIC = {
    "backend": "generic-http",
    "channel_type": "sms",
    "service_url": "https://sms.example.com/send/",
    "generic_http__method": "POST",
    "generic_http__body_kind": "json",
    "generic_http__body": '{"to": "{to}", "text": "{text}"}',
    "generic_http__reports": "json",
    "generic_http__report_methods": "post",
    "generic_http__report_event": "status",
    "generic_http__report_words": "DELIVRD = delivered",
    "generic_http__report_id": "id",
    "generic_http__report_check": "header",
    "generic_http__report_name": "X-Mark",
}


def test_provider_that_is_data_is_stored_with_its_secret_apart(admin_client):
    data = provider_data(**GENERIC, generic_http__report_secret=SECRET)

    response = admin_client.post(f"{PROVIDERS}add/", data)

    assert response.status_code == 302
    provider = ChannelProvider.objects.get()
    assert provider.app_config["body"] == '{"to": "{to}", "text": "{text}"}'
    assert SECRET not in str(provider.app_config)
    assert provider.options["report_secret"] == SECRET


def test_stored_secret_of_reports_need_not_be_typed_again(admin_client):
    admin_client.post(
        f"{PROVIDERS}add/", provider_data(**GENERIC, generic_http__report_secret=SECRET)
    )
    provider = ChannelProvider.objects.get()

    page = admin_client.get(f"{PROVIDERS}{provider.pk}/change/").content.decode()
    response = admin_client.post(
        f"{PROVIDERS}{provider.pk}/change/", provider_data(**GENERIC, provider_name="Acme")
    )

    provider.refresh_from_db()
    assert response.status_code == 302
    assert (provider.provider_name, provider.options["report_secret"]) == ("Acme", SECRET)
    assert SECRET not in page
    assert "DELIVRD = delivered" in page


def test_errors_stand_at_their_own_fields(admin_client):
    data = provider_data(**{**GENERIC, "generic_http__body": '{"to": {to}}'})

    errors = errors_of(admin_client.post(f"{PROVIDERS}add/", data))

    assert "placeholders inside quotes" in errors["generic_http__body"]
    assert errors["generic_http__report_secret"] == "Needed to verify reports."


@pytest.mark.parametrize(
    "url", ["https://user:word@sms.example.com/", "https://user@sms.example.com?a=1"]
)
def test_credentials_in_the_address_are_refused(admin_client, url):
    data = provider_data(**{**GENERIC, "service_url": url})

    errors = errors_of(admin_client.post(f"{PROVIDERS}add/", data))

    assert "Leave user and password out" in errors["service_url"]


def test_setting_shows_only_with_the_choice_it_belongs_to():
    shown = conditions()

    assert shown["generic_http__key_header"] == (
        "backend == 'generic-http' && ['header'].includes(generic_http__authentication)"
    )
    assert shown["generic_http__body"] == "backend == 'generic-http'"


def test_what_must_be_asked_of_a_vendor_is_told_with_the_choice(admin_client):
    page = admin_client.get(f"{PROVIDERS}add/").content.decode()

    assert "generic_http__vendor == &#x27;telspiel&#x27;" in page
    assert "ask for custref" in page
    assert "Pepipost does not sign its events" in page


def test_vendor_without_its_key_is_refused(admin_client):
    data = provider_data(backend="pepipost")

    errors = errors_of(admin_client.post(f"{PROVIDERS}add/", data))

    assert errors["new_app_key"] == "Pepipost (Netcore Email) needs it."


def test_codes_of_a_vendor_are_listed_on_its_page(admin_client):
    provider = make_provider(backend="netcore-sms", channel_type="sms")
    seed_statuses(provider)

    page = admin_client.get(f"{PROVIDERS}{provider.pk}/change/").content.decode()

    assert "AUTHENTICATION FAILED" in page
