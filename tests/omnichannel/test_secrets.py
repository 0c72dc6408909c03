from __future__ import annotations

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.core import serializers

from omnichannel.crypto import SecretUnreadable
from omnichannel.models import ChannelProvider
from omnichannel.outgoing import backend_of, config_of
from tests.factories import make_provider
from tests.omnichannel.admin.posted import PROVIDERS, provider_data

pytestmark = pytest.mark.django_db

CANARY = "canary-7f3a"


@pytest.fixture
def provider():
    made = make_provider(app_password=CANARY, app_secrets={"token": CANARY})
    return ChannelProvider.objects.get(pk=made.pk)


def test_a_secret_is_nowhere_in_the_pages_the_log_or_the_history(admin_client, caplog):
    caplog.set_level(logging.DEBUG)
    admin_client.post(f"{PROVIDERS}add/", provider_data(new_app_password=CANARY))
    provider = ChannelProvider.objects.get()
    row = f"{PROVIDERS}{provider.pk}"
    kept = f"{row}/history/{provider.history.get().history_id}/"

    texts = [
        admin_client.get(page).content.decode()
        for page in (PROVIDERS, f"{row}/change/", f"{row}/history/", f"{row}/delete/", kept)
    ]
    wrong = provider_data(name="", new_app_password=CANARY)
    texts.append(admin_client.post(f"{row}/change/", wrong).content.decode())
    texts.append(str(list(LogEntry.objects.values())))

    assert provider.app_password == CANARY
    assert not [text for text in (*texts, caplog.text) if CANARY in text]


def test_a_secret_is_in_no_representation(provider):
    shown = [provider, config_of(provider), backend_of(provider)]

    assert CANARY not in "".join(f"{each!r} {each}" for each in shown)


def test_a_dump_holds_the_tokens_and_can_be_loaded(provider):
    dump = serializers.serialize("json", [provider])
    ChannelProvider.objects.all().delete()

    for loaded in serializers.deserialize("json", dump):
        loaded.save()

    loaded = ChannelProvider.objects.get()
    assert CANARY not in dump
    assert (loaded.app_password, loaded.app_secrets) == (CANARY, {"token": CANARY})


def test_a_save_keeps_a_secret_that_no_key_opens(provider, settings):
    ring = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = ["another ring"]
    lost = ChannelProvider.objects.get()
    with pytest.raises(SecretUnreadable):
        str(lost.app_password)
    lost.name = "Renamed"
    lost.save()

    settings.FIELD_ENCRYPTION_KEYS = ring

    found = ChannelProvider.objects.get()
    assert (found.name, found.app_password) == ("Renamed", CANARY)
