from __future__ import annotations

import pytest
from django import forms
from django.test import override_settings

from omnichannel import backends
from omnichannel.admin.backend_fields import conditions
from omnichannel.admin.provider_form import provider_form
from omnichannel.backends.base import Backend
from omnichannel.models import ChannelProvider
from tests.factories import make_channel, make_provider
from tests.omnichannel.admin.posted import (
    PROVIDERS,
    client_with,
    errors_of,
    formset,
    provider_data,
)

pytestmark = pytest.mark.django_db
SECRET = "correct horse battery"


def change(client, provider, **values):
    data = provider_data(name=provider.name, **values)
    return client.post(f"{PROVIDERS}{provider.pk}/change/", data)


@pytest.fixture
def relay():
    return make_provider(
        backend="smtp",
        app_user="studio",
        app_password=SECRET,
        app_config={"host": "smtp.example.com", "security": "starttls"},
    )


def test_an_address_that_may_stay_empty_says_what_that_means(admin_client):
    page = admin_client.get(f"{PROVIDERS}add/").content.decode()

    own = "Empty: the service&#x27;s own address."
    assert f"""backend == &#x27;sendgrid&#x27;">{own}""" in page
    assert f"""backend == &#x27;anymail-postal&#x27;">{own}""" not in page


def test_new_provider_is_stored_with_its_backends_statuses(admin_client):
    response = admin_client.post(f"{PROVIDERS}add/", provider_data(new_app_password=SECRET))

    provider = ChannelProvider.objects.get(name="Relay")
    assert response.status_code == 302
    assert provider.app_password == SECRET
    assert provider.app_config["host"] == "smtp.example.com"
    declared = {status.code for status in backends.get("smtp").statuses}
    assert set(provider.statuses.values_list("code", flat=True)) == declared


def test_stored_secret_is_never_shown(admin_client, relay):
    page = admin_client.get(f"{PROVIDERS}{relay.pk}/change/").content.decode()

    assert SECRET not in page
    assert "•••• stored" in page


def test_viewer_sees_no_secret(relay):
    client = client_with("view_channelprovider")

    page = client.get(f"{PROVIDERS}{relay.pk}/change/").content.decode()

    assert SECRET not in page
    assert "1 stored, never shown" in page
    assert "smtp.example.com" in page


def test_blank_secret_keeps_the_stored_one(admin_client, relay):
    change(admin_client, relay, from_name="Studio")

    relay.refresh_from_db()
    assert (relay.from_name, relay.app_password) == ("Studio", SECRET)


def test_typed_secret_replaces_the_stored_one(admin_client, relay):
    change(admin_client, relay, new_app_password="another")

    relay.refresh_from_db()
    assert relay.app_password == "another"


def test_ticked_secret_is_forgotten(admin_client, relay):
    change(admin_client, relay, clear_new_app_password="on")

    relay.refresh_from_db()
    assert relay.app_password == ""


def test_moved_host_wants_the_secret_again(admin_client, relay):
    response = change(admin_client, relay, smtp__host="evil.example.com")

    relay.refresh_from_db()
    assert "Enter it again" in errors_of(response)["new_app_password"]
    assert relay.app_config["host"] == "smtp.example.com"


def test_moved_host_is_saved_with_the_secret_entered_again(admin_client, relay):
    change(admin_client, relay, smtp__host="mail.example.com", new_app_password=SECRET)

    relay.refresh_from_db()
    assert relay.app_config["host"] == "mail.example.com"


def test_other_type_forgets_what_it_does_not_use(admin_client, relay):
    change(admin_client, relay, backend="sandbox")

    relay.refresh_from_db()
    assert (relay.backend, relay.app_password) == ("sandbox", "")


class AcmeForm(forms.Form):
    region = forms.CharField()
    token = forms.CharField()


class Acme(Backend):
    slug = "acme-mail"
    label = "Acme"
    config_form = AcmeForm
    secret_fields = ("token",)


@pytest.fixture
def acme(monkeypatch):
    """The form class of a product that has the Acme backend too."""
    known = {**backends.registry(), Acme.slug: Acme}
    monkeypatch.setattr(backends, "registry", lambda: known)
    return provider_form()


def acme_data(**values):
    return provider_data(backend="acme-mail", acme_mail__region="eu", **values)


def test_secret_option_is_kept_out_of_the_plain_settings(acme):
    form = acme(acme_data(acme_mail__token=SECRET))

    provider = form.save()

    assert provider.app_config == {"region": "eu"}
    assert provider.app_secrets == {"token": SECRET}
    assert SECRET not in acme(instance=provider).as_p()


def test_blank_secret_option_keeps_the_stored_one(acme):
    provider = acme(acme_data(acme_mail__token=SECRET)).save()

    acme(acme_data(acme_mail__token="", from_name="Studio"), instance=provider).save()

    provider.refresh_from_db()
    assert (provider.from_name, provider.app_secrets) == ("Studio", {"token": SECRET})


def test_new_provider_without_its_secret_option_is_refused(acme):
    form = acme(acme_data())

    assert not form.is_valid()
    assert "acme_mail__token" in form.errors


def test_other_region_wants_the_secret_option_again(acme):
    provider = acme(acme_data(acme_mail__token=SECRET)).save()

    form = acme({**acme_data(), "acme_mail__region": "evil"}, instance=provider)

    assert "Enter it again" in form.errors["acme_mail__token"][0]


def test_secret_that_no_key_opens_leaves_the_page_usable(admin_client, relay):
    with override_settings(FIELD_ENCRYPTION_KEYS=["lost"]):
        listed = admin_client.get(PROVIDERS)
        shown = admin_client.get(f"{PROVIDERS}{relay.pk}/change/")
        change(admin_client, relay, new_app_password="fresh")
        relay.refresh_from_db()

        assert (listed.status_code, shown.status_code) == (200, 200)
        assert relay.app_password == "fresh"


def test_saving_leaves_the_send_loops_columns_alone(admin_client, relay, monkeypatch):
    def save_late(provider, **options):
        ChannelProvider.objects.filter(pk=provider.pk).update(trouble="535")
        return ChannelProvider.save_base(provider, **options)

    monkeypatch.setattr(ChannelProvider, "save", save_late)
    change(admin_client, relay, from_name="Studio")

    relay.refresh_from_db()
    assert (relay.from_name, relay.trouble) == ("Studio", "535")


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"smtp__host": ""}, "smtp__host", "required"),
        ({"smtp__port": "99999999"}, "smtp__port", "less than"),
        ({"channel_type": "sms"}, "backend", "sends E-mail only"),
        ({"backend": "nobody"}, "backend", "not one of the available"),
        ({"service_url": "javascript:alert(1)"}, "service_url", "valid URL"),
        ({"from_address": "no address"}, "from_address", "not an e-mail address"),
        ({"from_name": "A\r\nBcc: x@example.com"}, "from_name", "line break"),
        ({"interval_min": "08:00", "interval_max": "08:00"}, "interval_max", "equal"),
        ({"pool_time_retry": "-1"}, "pool_time_retry", "HH:MM:SS"),
        ({"days_before_expire": "999999999"}, "days_before_expire", "at most 3650"),
        ({"app_config": "[1]"}, "app_config", "JSON object"),
        ({"app_config": '{"host": "x"}'}, "app_config", "use the field"),
        ({"app_config": "{"}, "app_config", "valid JSON"),
        ({"bulk_no": "0"}, "bulk_no", "greater than"),
    ],
)
def test_bad_input_is_told_at_its_field(admin_client, values, field, words):
    response = admin_client.post(f"{PROVIDERS}add/", provider_data(**values))

    assert words in errors_of(response)[field]
    assert not ChannelProvider.objects.exists()


def test_missing_key_is_told_by_the_backends_name(admin_client):
    response = admin_client.post(f"{PROVIDERS}add/", provider_data(backend="sendgrid", app_user=""))

    assert "needs it" in errors_of(response)["new_app_key"]


def test_channel_of_a_used_provider_stays(admin_client):
    provider = make_provider()
    make_channel(bus_provider=provider)

    response = change(admin_client, provider, backend="sandbox", channel_type="sms")

    assert "change them first" in errors_of(response)["channel_type"]


def test_further_senders_are_checked(admin_client):
    rows = {**formset("senders", 1), "senders-0-address": "nobody", "senders-0-name": "x"}

    response = admin_client.post(f"{PROVIDERS}add/", provider_data(**rows))

    assert "not an e-mail address" in response.content.decode()
    assert not ChannelProvider.objects.exists()


def test_fields_show_for_their_own_type_only():
    shown = conditions()

    assert shown["smtp__host"] == "backend == 'smtp'"
    assert "'smtp'" in shown["new_app_password"]
    assert "'sandbox'" not in shown["new_app_password"]


def test_policy_for_uncertain_messages_is_kept_by_category_with_its_history(admin_client, relay):
    change(admin_client, relay, on_uncertain="retry", on_uncertain_otp="hold")

    relay.refresh_from_db()
    assert (relay.policy_for("otp"), relay.policy_for("promotional")) == ("hold", "retry")
    assert relay.history.first().on_uncertain_otp == "hold"


def test_history_keeps_no_secret(admin_client, relay):
    change(admin_client, relay, new_app_password="another")

    kept = relay.history.first()
    assert not hasattr(kept, "app_password")
    assert "another" not in str(vars(kept))
