"""The bounce mailbox on a provider's page."""

from __future__ import annotations

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.core import serializers

from omnichannel import bounces
from omnichannel.models import BounceMailbox, ChannelProvider
from tests.factories import NOW, make_mailbox, make_provider
from tests.omnichannel.admin.posted import (
    PROVIDERS,
    SUBMITTED,
    client_with,
    formset,
    provider_data,
)

pytestmark = pytest.mark.django_db
CANARY = "canary-51c0"
FILLED = {
    "is_active": "on",
    "protocol": "imap",
    "host": "imap.example.com",
    "security": "tls",
    "user": "bounces@example.com",
    "new_password": CANARY,
    "folder": "INBOX",
    "after_reading": "seen",
}


@pytest.fixture
def provider():
    return make_provider(backend="smtp", name="Relay")


@pytest.fixture
def stored(provider):
    values = {name: FILLED[name] for name in ("host", "user")}
    return make_mailbox(provider, password=CANARY, progress={"uid": 7}, **values)


def page(client, provider) -> str:
    return client.get(f"{PROVIDERS}{provider.pk}/change/").content.decode()


def save(client, provider, **values):
    """Posts the provider's form with the mailbox filled in; a value of None leaves a field out."""
    mailbox = BounceMailbox.objects.filter(provider=provider).first()
    fields = {name: value for name, value in {**FILLED, **values}.items() if value is not None}
    fields |= {"id": mailbox.pk, "provider": provider.pk} if mailbox else {}
    data = {f"bounce_mailbox-0-{name}": value for name, value in fields.items()}
    counts = formset("bounce_mailbox", total=1, initial=int(mailbox is not None))
    return client.post(f"{PROVIDERS}{provider.pk}/change/", provider_data(**counts, **data))


def errors(response) -> dict[str, str]:
    [formset_] = [
        each.formset
        for each in response.context["inline_admin_formsets"]
        if each.formset.prefix == "bounce_mailbox"
    ]
    return {name: found[0] for name, found in formset_.errors[0].items()}


def test_a_mailbox_is_set_up_on_the_page_of_an_smtp_provider(admin_client, provider):
    assert "bounce_mailbox-TOTAL_FORMS" in page(admin_client, provider)

    save(admin_client, provider)

    mailbox = BounceMailbox.objects.get()
    assert (mailbox.provider, mailbox.host, mailbox.password) == (
        provider,
        "imap.example.com",
        CANARY,
    )
    assert mailbox.chosen_port == 993
    assert provider.statuses.filter(code="5.1.1").exists()


def test_other_providers_have_none(admin_client):
    shown = page(admin_client, make_provider(backend="sendgrid", app_key="a-key"))

    assert "bounce_mailbox" not in shown
    assert "test_bounce_mailbox" not in shown


def test_a_provider_that_becomes_an_smtp_server_is_saved_without_one(admin_client):
    provider = make_provider(backend="sandbox")

    response = admin_client.post(f"{PROVIDERS}{provider.pk}/change/", provider_data())

    assert response.status_code == 302
    assert ChannelProvider.objects.get().backend == "smtp"


def test_the_password_is_nowhere_but_sealed_in_its_column(admin_client, provider, caplog):
    caplog.set_level(logging.DEBUG)
    save(admin_client, provider)
    shown = page(admin_client, provider)
    wrong = save(admin_client, provider, folder="", new_password=CANARY).content.decode()
    mailbox = BounceMailbox.objects.get()
    dump = serializers.serialize("json", [mailbox])

    texts = (shown, wrong, dump, caplog.text, repr(bounces.access_of(mailbox)), repr(mailbox))
    assert not [text for text in (*texts, str(list(LogEntry.objects.values()))) if CANARY in text]
    assert "stored" in shown
    assert mailbox.password == CANARY


def test_a_blank_password_keeps_the_stored_one_and_what_was_read(admin_client, stored):
    save(admin_client, stored.provider, new_password="", after_reading="delete")

    found = BounceMailbox.objects.get()
    assert (found.after_reading, found.password, found.progress) == ("delete", CANARY, {"uid": 7})


def test_another_place_needs_the_password_again_and_is_read_from_its_beginning(
    admin_client, stored
):
    refused = save(admin_client, stored.provider, new_password="", host="imap2.example.com")
    save(admin_client, stored.provider, new_password="another", host="imap2.example.com")

    found = BounceMailbox.objects.get()
    assert "Enter it again" in errors(refused)["new_password"]
    assert (found.host, found.password, found.progress) == ("imap2.example.com", "another", {})


def test_saving_leaves_what_the_reader_wrote_meanwhile(admin_client, stored):
    BounceMailbox.objects.update(mails=5, last_read_at=NOW)

    save(admin_client, stored.provider, new_password="")

    found = BounceMailbox.objects.get()
    assert (found.mails, found.last_read_at) == (5, NOW)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"new_password": ""}, "new_password", "Enter the mailbox's password"),
        ({"host": "imap.example.com:993"}, "host", "the port has its own field"),
        ({"protocol": "pop3", "after_reading": "move"}, "after_reading", "POP3 has no folders"),
        ({"after_reading": "move"}, "move_to", "Name the folder"),
        ({"after_reading": "move", "move_to": "INBOX"}, "move_to", "another folder"),
        ({"folder": "Zurück"}, "folder", "Plain letters"),
        ({"ca_certificate": "no"}, "ca_certificate", "not a PEM certificate"),
    ],
)
def test_what_cannot_work_is_refused_where_it_stands(admin_client, provider, values, field, words):
    response = save(admin_client, provider, **values)

    assert words in errors(response)[field]
    assert not BounceMailbox.objects.exists()


def test_the_page_tells_what_was_read_and_what_was_left(admin_client, stored):
    BounceMailbox.objects.update(
        last_read_at=NOW, mails=1234, reports=1000, strangers=4, unknown=3, too_large=1
    )

    shown = page(admin_client, stored.provider)

    assert "Last read 2026-03-02 12:00:00 UTC. 1,234 mails so far" in shown
    assert "4 about no message of ours, 3 not understood, 1 larger than 5 MB" in shown


def test_the_page_tells_why_it_cannot_be_read(admin_client, stored):
    BounceMailbox.objects.update(last_error="Signing in was refused", failures=2, due_at=NOW)

    shown = page(admin_client, stored.provider)

    assert "Signing in was refused" in shown
    assert "2 failed attempts. The next one: 2026-03-02 12:00:00 UTC." in shown


def test_the_test_says_what_is_wrong(admin_client, stored):
    BounceMailbox.objects.update(host="127.0.0.1", port=1)

    response = admin_client.post(f"{PROVIDERS}{stored.provider.pk}/test_bounce_mailbox/", SUBMITTED)

    assert "The connection to 127.0.0.1:1 failed" in response.content.decode()


def test_without_a_mailbox_there_is_nothing_to_test(admin_client, provider):
    assert "test_bounce_mailbox" not in page(admin_client, provider)


def test_who_may_only_look_changes_and_tests_nothing(stored):
    client = client_with("view_channelprovider")

    shown = page(client, stored.provider)
    save(client, stored.provider, host="evil.example.com")
    tested = client.post(f"{PROVIDERS}{stored.provider.pk}/test_bounce_mailbox/", SUBMITTED)

    assert "imap.example.com" in shown
    assert BounceMailbox.objects.get().host == "imap.example.com"
    assert tested.status_code == 403


def test_who_may_change_the_provider_may_change_its_mailbox(stored):
    client = client_with("view_channelprovider", "change_channelprovider")

    save(client, stored.provider, new_password="", folder="Reports")

    assert BounceMailbox.objects.get().folder == "Reports"
