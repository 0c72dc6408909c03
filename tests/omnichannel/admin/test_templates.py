from __future__ import annotations

import json
import time

import pytest

from omnichannel import links, preview_rows
from omnichannel.models import EmailTemplate, Message, ProviderRoute, SmsTemplate
from omnichannel.preview_rows import PreviewRow
from omnichannel.publishing import publish
from tests.factories import make_provider
from tests.factories_templates import make_template, make_version
from tests.omnichannel.admin.posted import SUBMITTED, client_with, errors_of, formset

pytestmark = pytest.mark.django_db

EMAILS = "/admin/omnichannel/emailtemplate/"
SMS = "/admin/omnichannel/smstemplate/"


def email_data(**values):
    return {
        "name": "Welcome",
        "subject": "Hi {{ name }}",
        "html": "<p>Hi {{ name }}</p>",
        "sample_variables": '{"name": "Ana"}',
        **formset("versions"),
        **values,
    }


def test_saved_template_publishes_its_first_version(admin_client, admin_user):
    admin_client.post(f"{EMAILS}add/", email_data(from_name="Example", reply_to="Help@Example.com"))

    version = EmailTemplate.objects.get(name="Welcome").published_version
    assert (version.number, version.subject, version.created_by) == (1, "Hi {{ name }}", admin_user)
    assert (version.from_name, version.reply_to) == ("Example", "Help@example.com")
    assert version.compiled_text == "Hi {{ name }}"


def test_changed_text_becomes_the_next_version(admin_client):
    template = make_template(sample_variables={"name": "Ana"})
    publish(template, subject="Old", html="<p>Old</p>")
    data = email_data(**formset("versions", total=0, initial=0))

    answer = admin_client.post(f"{EMAILS}{template.pk}/change/", data)

    assert answer.status_code == 302
    template.refresh_from_db()
    assert template.published_version.number == 2
    assert template.versions.get(number=1).subject == "Old"


def test_change_of_the_name_alone_makes_no_version(admin_client):
    template = make_template()
    publish(template, subject="Hi {{ name|default }}", html="<p>a</p>\n<p>b</p>")
    data = email_data(name="Renamed", subject="Hi {{ name|default }}", html="<p>a</p>\r\n<p>b</p>")

    admin_client.post(f"{EMAILS}{template.pk}/change/", data)

    template.refresh_from_db()
    assert (template.name, template.versions.count()) == ("Renamed", 1)


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("subject", "Hi {{ nmae }}", 'Unknown variable "nmae"'),
        ("subject", "Hi\r\nBcc: x@example.com", "line break"),
        ("html", "<p>{{ name }</p>", "HTML, line 1, column 12"),
        ("html", "{{ 'a' * 900000000 }}", "Multiplying"),
        ("html", "{% for i in range(9) %}{% endfor %}", "A loop over anything but a variable"),
        ("text", "{{ name.__class__ }}", "not allowed"),
        ("html", "", "Write the HTML"),
        ("reply_to", "nobody", "not an e-mail address"),
        ("sample_variables", "[1]", "Write the sample variables as"),
        ("sample_variables", "{", "valid JSON"),
    ],
)
def test_bad_template_is_refused_beside_its_field(admin_client, field, text, told):
    started = time.monotonic()

    answer = admin_client.post(f"{EMAILS}add/", email_data(**{field: text}))

    assert time.monotonic() - started < 10
    assert told in errors_of(answer)[field]
    assert not EmailTemplate.objects.exists()


def test_second_template_of_the_same_name_is_refused(admin_client):
    make_template(name="Welcome")

    answer = admin_client.post(f"{EMAILS}add/", email_data())

    assert "name" in errors_of(answer)


def test_sms_template_keeps_its_text(admin_client):
    data = {"name": "Pin", "text": "Hi {{ name }}", "sample_variables": '{"name": "Ana"}'}

    admin_client.post(f"{SMS}add/", data)

    template = SmsTemplate.objects.get()
    assert (template.channel_type, template.published_version.text) == ("sms", "Hi {{ name }}")


@pytest.mark.parametrize("page", [EMAILS, SMS, f"{EMAILS}add/", f"{SMS}add/"])
def test_pages_open(admin_client, page):
    assert admin_client.get(page).status_code == 200


def test_list_asks_the_database_a_fixed_number_of_times(
    admin_client, django_assert_max_num_queries
):
    for _ in range(8):
        make_version()

    with django_assert_max_num_queries(12):
        admin_client.get(EMAILS)


def test_preview_cannot_run_or_load_anything(admin_client):
    html = "<script>alert(1)</script><p>{{ name }}</p>"

    answer = admin_client.post(f"{EMAILS}preview/", email_data(html=html))

    policy = answer["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "<p>Ana</p>" in answer.content.decode()


def test_text_preview_shows_markup_as_text(admin_client):
    data = email_data(show="text", text="<b>{{ name }}</b>")

    answer = admin_client.post(f"{EMAILS}preview/", data)

    assert "&lt;b&gt;Ana&lt;/b&gt;" in answer.content.decode()


def test_hostile_preview_answers_with_the_reason(admin_client):
    answer = admin_client.post(f"{EMAILS}preview/", email_data(html="{{ 'a' * 900000000 }}"))

    assert "Multiplying with *" in answer.content.decode()


def test_inspection_tells_subject_and_names(admin_client):
    found = admin_client.post(f"{EMAILS}inspect/", email_data()).json()

    assert found["subject"] == "Hi Ana"
    assert found["variables"] == ["name"]


def test_unsubscribe_links_can_be_previewed_and_lead_to_a_harmless_page(admin_client):
    html = '<a href="{{ system.unsubscribe_url }}">a</a> {{ system.preferences_url }}'

    preview = admin_client.post(f"{EMAILS}preview/", email_data(html=html)).content.decode()
    editor = admin_client.get(f"{EMAILS}add/").content.decode()

    assert f'href="{links.public_url()}/u/preview/"' in preview
    assert f"{links.public_url()}/u/preview/preferences/" in preview
    assert "system.unsubscribe_url" in editor
    assert "system.preferences_url" in editor


def test_inspection_names_the_variables_of_a_text_with_an_unknown_one(admin_client):
    found = admin_client.post(f"{EMAILS}inspect/", email_data(html="{{ a }}{{ name }}")).json()

    assert (found["part"], found["line"]) == ("html", 1)
    assert found["variables"] == ["a", "name"]


def test_inspection_with_broken_samples_says_so(admin_client):
    found = admin_client.post(f"{EMAILS}inspect/", email_data(sample_variables="{")).json()

    assert "not valid JSON" in found["error"]


def test_chosen_record_replaces_the_samples(admin_client):
    data = email_data(row=json.dumps({"name": "Bo"}))

    assert admin_client.post(f"{EMAILS}inspect/", data).json()["subject"] == "Hi Bo"


def test_records_are_found_by_what_the_apps_above_offer(admin_client, monkeypatch):
    def source(user, text):
        return [PreviewRow(f"{text} for {user}", {"name": "Bo"})]

    monkeypatch.setattr(preview_rows, "sources", [source])

    rows = admin_client.post(f"{EMAILS}rows/", {"q": "bo"}).json()["rows"]

    assert rows == [{"label": "bo for admin", "values": {"name": "Bo"}}]


@pytest.mark.parametrize("name", ["preview", "inspect", "rows"])
def test_editor_answers_posts_of_those_who_may_see_templates(name):
    client = client_with("view_emailtemplate")

    assert client.get(f"{EMAILS}{name}/").status_code == 405
    assert client.post(f"{EMAILS}{name}/", email_data()).status_code == 200
    assert client.post(f"{SMS}{name}/", email_data()).status_code == 403


def test_who_may_only_look_cannot_change_a_template():
    template = make_version().template
    client = client_with("view_emailtemplate")

    assert client.get(f"{EMAILS}{template.pk}/change/").status_code == 200
    assert client.post(f"{EMAILS}{template.pk}/change/", email_data()).status_code == 403


def test_old_version_can_still_be_read(admin_client):
    version = make_version(
        html="<p>Hi {{ name }}</p>", template=make_template(sample_variables={"name": "Ana"})
    )
    make_version(version.template, html="<p>New</p>")

    answer = admin_client.get(f"{EMAILS}version/{version.pk}/")

    assert answer.content.decode() == "<p>Hi Ana</p>"
    assert answer["Content-Security-Policy"].startswith("sandbox;")


def test_test_send_delivers_the_published_version(admin_client):
    provider = make_provider()
    ProviderRoute.objects.create(channel_type="email", category="transactional", provider=provider)
    template = make_template(sample_variables={"name": "Ana"})
    version = make_version(template, subject="Hi {{ name }}")

    answer = admin_client.post(
        f"{EMAILS}{template.pk}/send_test/", {**SUBMITTED, "address": "ana@example.com"}
    )

    message = Message.objects.get()
    assert message.status in ("sent", "delivered")
    assert (message.template_version, message.variables["name"]) == (version, "Ana")
    assert links.system_links(message)["unsubscribe_url"].endswith("/u/preview/")
    assert "answer-good" in answer.content.decode()


def test_test_send_without_a_default_provider_says_what_to_add(admin_client):
    template = make_version().template

    answer = admin_client.post(
        f"{EMAILS}{template.pk}/send_test/", {**SUBMITTED, "address": "ana@example.com"}
    )

    assert "No default provider" in answer.content.decode()
    assert not Message.objects.exists()


def test_test_send_takes_the_right_to_write_messages():
    template = make_version().template
    client = client_with("view_emailtemplate", "change_emailtemplate")

    client.post(f"{EMAILS}{template.pk}/send_test/", {**SUBMITTED, "address": "ana@example.com"})

    assert not Message.objects.exists()
