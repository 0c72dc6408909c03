from __future__ import annotations

import re

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.sessions.models import Session
from django.urls import reverse

from integrations import certificates
from integrations.admin import connection_forms
from integrations.choices import Operation, TransmissionStatus
from integrations.models import (
    As2Connection,
    ConversionRule,
    DocumentTemplate,
    EnvelopeEvent,
    Integration,
    SftpConnection,
)
from tests.factories import NOW
from tests.factories_integrations import (
    make_as2,
    make_integration,
    make_mailbox,
    make_rule,
    make_sftp,
    make_transmission,
)
from tests.integrations.admin.posted import AS2, PLACE, SFTP, SUBMITTED, client_with

pytestmark = pytest.mark.django_db
PAGE = f"{PLACE}/integration"


def page_of(integration):
    return f"{PAGE}/{integration.pk}/change/"


def password_in(text):
    found = re.search(r'value="(\w{24})" aria-label="Password"', text)
    return found and found.group(1)


def step(client, name, row):
    url = reverse(f"admin:integrations_integration_{name}", args=[row.pk])
    return client.post(url, SUBMITTED)


def add(client, box, **data):
    return client.post(f"{PAGE}/add/", {**SFTP, "mailbox": box.pk, **data})


def certificate_of(name):
    """A PEM, as a partner would send it."""
    as2 = As2Connection(integration=make_integration(), self_id=name)
    certificates.ensure(as2, at=NOW)
    return as2.self_certificate


def test_new_integration_is_off_and_shows_its_password_once(admin_client):
    box = make_mailbox()

    answer = add(admin_client, box)

    row = Integration.objects.get(mailbox=box)
    assert answer.url == page_of(row)
    assert not row.active
    password = password_in(admin_client.get(page_of(row)).text)
    assert check_password(password, row.sftp.password_hash)
    again = admin_client.get(page_of(row)).text
    assert password not in again
    assert "••••" in again


def test_password_waits_for_its_page_encrypted(admin_client):
    box = make_mailbox()
    add(admin_client, box)
    row = Integration.objects.get(mailbox=box)

    data = Session.objects.get().get_decoded()

    token = data[f"shown_once_sftp_{row.pk}"][0]
    password = password_in(admin_client.get(page_of(row)).text)
    assert token.startswith("gAAAAA")
    assert password not in str(data)


def test_another_save_makes_no_new_password(admin_client):
    sftp = make_sftp(password_hash="kept")

    admin_client.post(page_of(sftp.integration), {**SFTP, "sftp_quota_mb": "77"})

    sftp.refresh_from_db()
    assert (sftp.password_hash, sftp.quota_mb) == ("kept", 77)


def test_reset_gives_another_password_and_ends_sessions(admin_client):
    sftp = make_sftp()
    row = sftp.integration

    step(admin_client, "reset_password", row)

    password = password_in(admin_client.get(page_of(row)).text)
    sftp.refresh_from_db()
    assert check_password(password, sftp.password_hash)
    assert Integration.objects.get().generation == row.generation + 1
    assert EnvelopeEvent.objects.filter(operation=Operation.PASSWORD, actor="admin").exists()


def test_password_is_not_shown_to_another_operator(admin_client):
    sftp = make_sftp()
    step(admin_client, "reset_password", sftp.integration)
    other = client_with("view_integration", "change_integration", "manage_connection")

    page = other.get(page_of(sftp.integration)).text

    assert password_in(page) is None


def test_integration_is_switched_by_a_dialog(admin_client):
    row = make_sftp(make_integration(active=False)).integration

    step(admin_client, "switch_on", row)
    row.refresh_from_db()
    assert row.active

    step(admin_client, "switch_off", row)
    row.refresh_from_db()
    assert not row.active


@pytest.mark.parametrize("name", ["switch_on", "switch_off", "reset_password"])
def test_connection_is_managed_with_permission_only(name):
    row = make_sftp(make_integration(active=name == "switch_off")).integration
    client = client_with("view_integration", "change_integration")

    step(client, name, row)

    row.refresh_from_db()
    assert row.active == (name == "switch_off")
    assert row.sftp.password_hash == ""


def test_who_may_not_manage_connections_changes_only_the_rest():
    sftp = make_sftp(quota_mb=10)
    client = client_with("view_integration", "change_integration")

    client.post(page_of(sftp.integration), {**SFTP, "notify_email": "op@example.com"})

    sftp.refresh_from_db()
    assert sftp.quota_mb == 10
    assert Integration.objects.get().notify_email == "op@example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sftp_allowed_networks", "203.0.113.0/99"),
        ("sftp_authorized_keys", "ssh-ed25519 AAAA"),
        ("sftp_max_file_mb", "65"),
        ("reject_reason", ""),
    ],
)
def test_what_cannot_be_is_told_at_its_field(admin_client, field, value):
    data = {"default_rule": "autoreject"} if field == "reject_reason" else {}

    answer = add(admin_client, make_mailbox(), **{field: value}, **data)

    assert list(answer.context["adminform"].form.errors) == [field]
    assert not Integration.objects.exists()


def test_first_save_with_as2_makes_key_and_certificate(admin_client):
    box = make_mailbox(name="Northwind Example")

    add(admin_client, box, **AS2)

    as2 = As2Connection.objects.get()
    assert as2.self_id == "Northwind Example"
    assert as2.self_key.startswith("-----BEGIN")
    page = admin_client.get(page_of(as2.integration)).text
    assert f"/as2/{as2.token}" in page
    assert "PRIVATE KEY" not in page
    for kind, start in (("pem", b"-----BEGIN CERT"), ("cer", b"0\x82")):
        answer = admin_client.get(f"{PAGE}/{as2.integration_id}/certificate/self.{kind}")
        assert answer.content.startswith(start)


def test_protocol_is_changed_without_losing_the_other_connection(admin_client):
    sftp = make_sftp(quota_mb=10)
    row = sftp.integration

    admin_client.post(page_of(row), AS2)

    row.refresh_from_db()
    assert row.protocol == "as2"
    assert SftpConnection.objects.get().quota_mb == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"as2_signing": "sha1"}, "as2_signing"),
        ({"as2_encryption": "3des"}, "as2_encryption"),
        ({"as2_encryption": "none"}, "as2_encryption"),
        ({"as2_recipient_url": "ftp://x"}, "as2_recipient_url"),
        ({"as2_recipient_url": "https://as2.example.com"}, "as2_recipient_certificate"),
    ],
)
def test_as2_settings_that_would_not_do_are_refused(change, field):
    found = dict(connection_forms.faults("as2", {**AS2, **change}))

    assert field in found


def test_what_is_no_certificate_is_told_at_its_field(admin_client):
    data = {**AS2, "as2_signing": "sha1", "as2_recipient_certificate": "nonsense"}

    answer = add(admin_client, make_mailbox(), **data)

    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"as2_signing", "as2_recipient_certificate"}


def test_old_algorithms_are_kept_after_the_tick(admin_client):
    add(admin_client, make_mailbox(), **AS2, as2_allow_legacy="on")

    row = Integration.objects.get()
    admin_client.post(page_of(row), {**AS2, "as2_allow_legacy": "on", "as2_signing": "sha1"})

    assert As2Connection.objects.get().signing == "sha1"
    assert "both are broken" in admin_client.get(page_of(row)).text


def test_recipient_certificate_is_shown_with_its_fingerprint(admin_client):
    pem = certificate_of("PARTNER")
    row = make_as2(recipient_certificate="").integration

    admin_client.post(page_of(row), {**AS2, "as2_recipient_certificate": pem})

    page = admin_client.get(page_of(row)).text
    assert certificates.parse(pem.encode()).fingerprint in page


def test_http_password_is_written_and_never_shown(admin_client):
    as2 = make_as2()
    page = page_of(as2.integration)

    admin_client.post(page, {**AS2, "as2_new_http_password": "s3cret-word"})
    as2.refresh_from_db()
    assert as2.http_password == "s3cret-word"
    assert "s3cret-word" not in admin_client.get(page).text

    admin_client.post(page, AS2)
    as2.refresh_from_db()
    assert as2.http_password == "s3cret-word"

    admin_client.post(page, {**AS2, "as2_clear_http_password": "on"})
    as2.refresh_from_db()
    assert as2.http_password == ""


def test_certificate_is_renewed_beside_the_present_one_and_then_signs(admin_client):
    as2 = make_as2()
    certificates.ensure(as2, at=NOW)
    row = as2.integration
    page = page_of(row)
    assert "Sign with the next" not in admin_client.get(page).text

    step(admin_client, "renew_certificate", row)

    as2.refresh_from_db()
    shown = admin_client.get(page).text
    assert f"{PAGE}/{row.pk}/certificate/next.pem" in shown
    assert "Sign with the next" in shown
    step(admin_client, "switch_over", row)
    before, _ = as2.switch_at, as2.refresh_from_db()
    assert as2.switch_at < before


def test_connection_that_does_not_work_says_why(admin_client):
    as2 = make_as2(recipient_url="http://127.0.0.1:9/", recipient_id="NOBODY")
    certificates.ensure(as2, at=NOW)

    answer = step(admin_client, "test_connection", as2.integration)

    assert "answer-bad" in answer.text


@pytest.mark.parametrize("noun", ["integration", "conversionrule", "mailbox", "documenttemplate"])
def test_history_of_configuration_is_kept(admin_client, noun):
    row = make_sftp().integration
    rule = make_rule(row.mailbox)
    template = DocumentTemplate.objects.create(account=rule.account, name="Order")
    rows = (row, rule, row.mailbox, template)
    names = ("integration", "conversionrule", "mailbox", "documenttemplate")
    kept = dict(zip(names, rows, strict=True))[noun]
    version = kept.history.first().history_id

    for page in ("history/", f"history/{version}/"):
        assert admin_client.get(f"{PLACE}/{noun}/{kept.pk}/{page}").status_code == 200


def test_mailbox_chooser_leads_to_its_page_or_to_a_new_one(admin_client):
    row = make_sftp().integration
    other = make_mailbox()

    found = admin_client.get(f"{PAGE}/of-mailbox/", {"mailbox": row.mailbox_id})
    new = admin_client.get(f"{PAGE}/of-mailbox/", {"mailbox": other.pk})

    assert found.url == page_of(row)
    assert new.url == f"{PAGE}/add/?mailbox={other.pk}"
    assert str(row.mailbox.key) in admin_client.get(found.url).text
    assert str(other.key) in admin_client.get(new.url).text


def test_page_lists_the_rules_and_what_waits(admin_client):
    row = make_sftp().integration
    rule = make_rule(row.mailbox, name="Orders in", ok_count=12)
    account = row.mailbox.account
    ConversionRule.objects.create(account=account, direction="out", name="For all")
    make_transmission(row, status=TransmissionStatus.WAITING)

    page = admin_client.get(page_of(row)).text

    assert page.index("Orders in") < page.index("For all")
    assert f"rule__id__exact={rule.pk}" in page
    assert "1 waiting since it was off" in page
    assert "system user" in page


def test_what_waited_is_let_go_from_the_page(admin_client):
    row = make_sftp().integration
    file = make_transmission(row, status=TransmissionStatus.WAITING)
    assert "Process now" in admin_client.get(page_of(row)).text

    step(admin_client, "process_now", row)

    file.refresh_from_db()
    assert file.status == TransmissionStatus.RECEIVED


def test_deleting_an_integration_is_in_the_trail(admin_client):
    row = make_sftp().integration

    admin_client.post(f"{PAGE}/{row.pk}/delete/", {"post": "yes"})

    assert not Integration.objects.exists()
    assert EnvelopeEvent.objects.get(operation=Operation.DELETED).actor == "admin"


@pytest.mark.parametrize("address", ["x", "99999999999999999999", "0"])
def test_page_of_no_integration_is_not_found(admin_client, address):
    assert admin_client.get(f"{PAGE}/{address}/change/").status_code in (302, 404)
