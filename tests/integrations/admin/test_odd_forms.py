"""Forms that are stale, sent twice, or filled in to break something."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from integrations import rules
from integrations.models import (
    ConversionRule,
    DocumentTemplate,
    DocumentTemplateVersion,
    Envelope,
    Mailbox,
)
from tests.factories import NOW
from tests.factories_integrations import (
    make_account,
    make_as2,
    make_house,
    make_mailbox,
    make_rule,
)
from tests.integrations.admin.posted import AS2, PLACE, RULE
from tests.integrations.as2.rows import pem_of
from tests.integrations.as2.stations import pair

pytestmark = pytest.mark.django_db
RULES = f"{PLACE}/conversionrule"


def run_and_save(client, **values):
    """As a browser does it: the token of the run goes into the form."""
    data = {**RULE, "level": f"m:{make_mailbox().pk}", **values}
    ran = client.post(f"{RULES}/run/", {**data, "example_file": example(values)})
    token = json.loads(ran.content).get("token", "")
    return client.post(f"{RULES}/add/", {**data, "run_token": token})


def example(values):
    text = b"<envelope><subject>x</subject></envelope>" if values.get("direction") == "in" else b"x"
    return SimpleUploadedFile("a.txt", text)


@pytest.mark.parametrize(
    "values",
    [
        {"direction": "in", "target": "event", "option": "x", "naming_pattern": "a/b{"},
        {
            **{"direction": "in", "target": "remote", "naming_pattern": "a.xml"},
            "matching_pattern": "(",
        },
        {"direction": "out", "naming_pattern": "{oops"},
    ],
)
def test_pattern_that_does_not_count_does_not_hinder(admin_client, values):
    answer = run_and_save(admin_client, **values)

    assert answer.status_code == 302
    assert ConversionRule.objects.exists()


def test_template_of_another_account_is_refused(admin_client):
    template = DocumentTemplate.objects.create(account=make_account(), name="Order")
    version = DocumentTemplateVersion.objects.create(template=template, number=1)

    answer = run_and_save(admin_client, template_version=version.pk)

    assert "template_version" in answer.context["adminform"].form.errors
    assert not ConversionRule.objects.exists()


def test_saving_a_rule_keeps_what_was_counted_and_moved_meanwhile():
    rule = make_rule(make_mailbox(), active=False)
    rule.verified_digest = rules.executing.digest_of(rule, [])
    ConversionRule.objects.update(active=True, ok_count=7, position=9)

    rules.save(rule, [], ran="", by=None, at=NOW)

    rule.refresh_from_db()
    assert (rule.active, rule.ok_count, rule.position) == (True, 7, 9)


def connection():
    return make_as2(
        recipient_id="ACME",
        recipient_url="https://as2.example.com/in",
        recipient_certificate=pem_of(pair("acme")),
        http_user="us",
        http_password="very secret",
    )


def save_connection(client, as2, **values):
    fields = ("self_id", "recipient_id", "recipient_url", "recipient_certificate", "http_user")
    stored = {f"as2_{name}": getattr(as2, name) for name in fields}
    page = f"{PLACE}/integration/{as2.integration_id}/change/"
    answer = client.post(page, {**AS2, **stored, **values})
    as2.refresh_from_db()
    return answer.context["adminform"].form.errors if answer.context else {}


@pytest.mark.parametrize("url", ["https://other.example.com/in", "http://as2.example.com/in"])
def test_kept_password_does_not_go_to_another_host(admin_client, url):
    as2 = connection()

    errors = save_connection(admin_client, as2, as2_recipient_url=url)

    assert list(errors) == ["as2_new_http_password"]
    assert as2.recipient_url == "https://as2.example.com/in"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [({"as2_new_http_password": "new"}, "new"), ({"as2_clear_http_password": "on"}, "")],
)
def test_host_changes_with_the_password_entered_anew_or_forgotten(admin_client, answer, kept):
    as2, url = connection(), "https://other.example.com/in"

    errors = save_connection(admin_client, as2, as2_recipient_url=url, **answer)

    assert not errors
    assert (as2.recipient_url, as2.http_password) == (url, kept)


def test_kept_password_stays_when_the_path_changes(admin_client):
    as2 = connection()

    save_connection(admin_client, as2, as2_recipient_url="https://as2.example.com/other")

    assert (as2.recipient_url[-5:], as2.http_password) == ("other", "very secret")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("as2_recipient_url", "https://[::1"),
        ("as2_recipient_url", "http://as2.example.com:99999/"),
        ("as2_recipient_url", "https://us:pw@as2.example.com/in"),
        ("as2_self_id", "Müller"),
        ("as2_recipient_id", "Müller"),
    ],
)
def test_address_or_name_that_no_station_has_is_refused(admin_client, field, value):
    errors = save_connection(admin_client, connection(), **{field: value})

    assert list(errors) == [field]


def test_envelope_is_composed_once_by_two_presses(admin_client):
    account = make_account()
    house, box = make_house(account), make_mailbox(account)
    page = admin_client.get(f"{PLACE}/envelope/new/")
    data = {
        "key": str(page.context["form"]["key"].value()),
        **{"sender": house.pk, "recipients": [box.pk], "subject": "Offer"},
    }
    assert data["key"] in page.text

    for _ in range(2):
        file = SimpleUploadedFile("offer.txt", b"hello")
        answer = admin_client.post(f"{PLACE}/envelope/new/", {**data, "documents": file})

    assert answer.url == Envelope.objects.get().get_absolute_url()
    assert Mailbox.objects.filter(received__envelope__subject="Offer").count() == 1
