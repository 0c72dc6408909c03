"""Languages, copies, headers, files and versions on a template's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile

from omnichannel import originals
from omnichannel.models import EmailTemplate, Message, MessageTemplate, ProviderRoute, SmsTemplate
from omnichannel.publishing import publish
from tests.factories import make_message, make_provider
from tests.factories_templates import make_template, make_version
from tests.omnichannel.admin.posted import SUBMITTED, errors_of, formset

pytestmark = pytest.mark.django_db

EMAILS = "/admin/omnichannel/emailtemplate/"
SMS = "/admin/omnichannel/smstemplate/"
GERMAN = {"language": "de", "subject": "Hallo {{ name }}", "html": "<p>Hallo</p>", "text": ""}


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def data(*texts, **values):
    blocks = {
        f"translations-{number}-{part}": value
        for number, text in enumerate(texts)
        for part, value in text.items()
    }
    return {
        "name": "Welcome",
        "subject": "Hi {{ name }}",
        "html": "<p>Hi {{ name }}</p>",
        "sample_variables": '{"name": "Ana"}',
        "translations-count": len(texts),
        **blocks,
        **formset("versions"),
        **values,
    }


def shipped(key="welcome-email"):
    originals.ensure()
    return MessageTemplate.objects.get(system_key=key)


def two_versions():
    template = make_template()
    publish(template, subject="One", html="<p>1</p>")
    publish(template, subject="Two <b>", html="<p>2</p>")
    return template


def test_a_language_is_saved_and_shown_again(admin_client):
    admin_client.post(f"{EMAILS}add/", data(GERMAN))

    template = EmailTemplate.objects.get()
    page = admin_client.get(f"{EMAILS}{template.pk}/change/").content.decode()
    assert template.published_version.languages == ["de"]
    assert 'name="translations-0-subject" value="Hallo {{ name }}"' in page


def test_a_language_that_is_taken_away_is_warned_of(admin_client):
    template = make_template(name="Welcome", sample_variables={"name": "Ana"})
    publish(template, subject="Hi", text="Hi", translations=[GERMAN])

    answer = admin_client.post(f"{EMAILS}{template.pk}/change/", data(), follow=True)

    told = [str(message) for message in answer.context["messages"]]
    assert any("de was taken out" in text for text in told)
    template.refresh_from_db()
    assert template.published_version.languages == []


def test_blocks_that_were_left_empty_are_none(admin_client):
    admin_client.post(f"{EMAILS}add/", data({"language": "", "subject": " ", "html": ""}))

    assert EmailTemplate.objects.get().published_version.languages == []


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({**GERMAN, "language": "german"}, "is not a language"),
        ({**GERMAN, "html": "{{ nmae }}"}, "de: HTML, line 1"),
        ({**GERMAN, "html": ""}, "de: write its text"),
    ],
)
def test_a_bad_language_is_refused_beside_its_field(admin_client, block, told):
    answer = admin_client.post(f"{EMAILS}add/", data(block))

    assert told in errors_of(answer)["translations"]
    assert 'value="Hallo {{ name }}"' in answer.content.decode()


@pytest.mark.parametrize("count", ["", "x", "-1", "99999", "\u00b2"])
def test_a_count_that_is_none_is_no_error_of_ours(admin_client, count):
    answer = admin_client.post(f"{EMAILS}add/", {**data(GERMAN), "translations-count": count})

    assert answer.status_code in (200, 302)


def test_an_sms_speaks_languages_too(admin_client):
    values = {"name": "Pin", "text": "Hi {{ name }}", "sample_variables": '{"name": "Ana"}'}
    blocks = {"translations-count": 1, "translations-0-language": "de"}

    admin_client.post(f"{SMS}add/", {**values, **blocks, "translations-0-text": "Hallo"})

    assert SmsTemplate.objects.get().published_version.texts.get().text == "Hallo"


@pytest.mark.parametrize(
    ("language", "samples", "subject"),
    [
        ("", '{"name": "Ana", "language": "de-AT"}', "Hallo Ana"),
        ("", '{"name": "Ana"}', "Hi Ana"),
        ("de", '{"name": "Ana"}', "Hallo Ana"),
        ("default", '{"name": "Ana", "language": "de"}', "Hi Ana"),
    ],
)
def test_the_preview_speaks_the_chosen_language(admin_client, language, samples, subject):
    values = data(GERMAN, language=language, sample_variables=samples)

    found = admin_client.post(f"{EMAILS}inspect/", values).json()

    assert found["subject"] == subject
    assert found["language"] == ("de" if subject.startswith("Hallo") else "default")


def test_a_version_is_shown_in_each_of_its_languages(admin_client):
    template = make_template(sample_variables={"name": "Ana"})
    version = publish(template, subject="Hi", html="<p>Hi</p>", translations=[GERMAN])

    page = admin_client.get(f"{EMAILS}version/{version.pk}/?language=de").content.decode()

    assert "<p>Hallo</p>" in page


def test_a_test_is_sent_in_the_chosen_language(admin_client):
    provider = make_provider(channel_type="email")
    ProviderRoute.objects.create(channel_type="email", category="transactional", provider=provider)
    template = make_template(sample_variables={"name": "Ana"})
    publish(template, subject="Hi", html="Hi", translations=[GERMAN], static_cc="ops@example.com")
    url = f"{EMAILS}{template.pk}/send_test/"
    page = admin_client.get(url).content.decode()

    admin_client.post(url, {"address": "me@example.com", "language": "de", **SUBMITTED})

    message = Message.objects.get()
    assert "It also goes to ops@example.com" in page
    assert (message.cc_addresses, message.status) == ("ops@example.com", "sent")
    shown = admin_client.get(f"/admin/omnichannel/message/{message.pk}/shown/").content.decode()
    assert "Hallo Ana" in shown


def test_copies_headers_and_files_are_saved(admin_client):
    values = data(
        static_cc="ops@example.com, a@example.com",
        cc_key="manager",
        headers="X-Team: Growth\r\n\r\nX-Ref: a:b",
        new_files=[
            SimpleUploadedFile("terms.pdf", b"%PDF", content_type="application/pdf"),
            SimpleUploadedFile("b.txt", b"b"),
        ],
    )

    admin_client.post(f"{EMAILS}add/", values)

    version = EmailTemplate.objects.get().published_version
    assert version.static_cc == "ops@example.com; a@example.com"
    assert (version.cc_key, version.headers) == ("manager", {"X-Team": "Growth", "X-Ref": "a:b"})
    assert [entry["name"] for entry in version.files] == ["terms.pdf", "b.txt"]
    assert all(entry["file"].startswith("template-files/") for entry in version.files)


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("static_to", "nobody", "not an e-mail address"),
        ("headers", "Bcc: a@example.com", "written by the product"),
        ("headers", "nonsense", "a name, a colon"),
        ("headers", "X-A: 1\nX-A: 2", "there twice"),
        ("to_key", "a b", "not the name of a data field"),
    ],
)
def test_what_could_never_be_sent_is_refused_beside_its_field(admin_client, field, text, told):
    answer = admin_client.post(f"{EMAILS}add/", data(**{field: text}))

    assert told in errors_of(answer)[field]


def test_files_that_are_too_large_are_refused(admin_client, settings):
    settings.ATTACHMENT_MAX_BYTES = 3
    upload = SimpleUploadedFile("b.txt", b"bbbb")

    answer = admin_client.post(f"{EMAILS}add/", data(new_files=upload))

    assert "Send a link instead" in errors_of(answer)["new_files"]
    assert not EmailTemplate.objects.exists()


def test_a_file_is_kept_until_it_is_unticked(admin_client):
    admin_client.post(f"{EMAILS}add/", data(new_files=SimpleUploadedFile("b.txt", b"b")))
    template = EmailTemplate.objects.get()
    file = template.published_version.files[0]["file"]
    url = f"{EMAILS}{template.pk}/change/"

    admin_client.post(url, data(kept_files=[file]))
    assert template.versions.count() == 1
    admin_client.post(url, data())

    template.refresh_from_db()
    assert (template.published_version.number, template.published_version.files) == (2, [])


def test_a_file_can_be_looked_at_and_never_runs(admin_client):
    admin_client.post(f"{EMAILS}add/", data(new_files=SimpleUploadedFile("a.html", b"<script>")))
    version = EmailTemplate.objects.get().published_version
    message = make_message(template_version=version, variables={"name": "Ana"})

    page = admin_client.get(f"/admin/omnichannel/message/{message.pk}/shown/").content.decode()
    answer = admin_client.get(f"{EMAILS}version/{version.pk}/files/1/")

    assert f"{EMAILS}version/{version.pk}/files/1/" in page
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert admin_client.get(f"{EMAILS}version/{version.pk}/files/2/").status_code == 404


def test_two_versions_are_compared_and_markup_stays_text(admin_client):
    template = two_versions()

    page = admin_client.get(f"{EMAILS}{template.pk}/compare/?old=1&new=2").content.decode()

    assert "Two &lt;b&gt;" in page
    assert page.count('class="tc-removed"') == page.count('class="tc-added"') == 2
    assert "Roll back to version" not in page


@pytest.mark.parametrize("query", ["old=9&new=1", "back=9", "old=x", "old=\u00b2&new=1"])
def test_a_version_that_is_not_there_is_no_error_of_ours(admin_client, query):
    template = two_versions()

    assert admin_client.get(f"{EMAILS}{template.pk}/compare/?{query}").status_code in (200, 404)


def test_rolling_back_shows_the_changes_first_and_then_publishes(admin_client):
    template = two_versions()

    page = admin_client.get(f"{EMAILS}{template.pk}/compare/?back=1").content.decode()
    answer = admin_client.post(f"{EMAILS}{template.pk}/roll-back/", {"number": "1"}, follow=True)

    assert "Roll back to version 1" in page
    assert "Version 3 is published" in answer.content.decode()
    template.refresh_from_db()
    assert template.published_version.subject == "One"


def test_who_may_only_look_cannot_roll_back(client):
    template = two_versions()
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_emailtemplate"))
    client.force_login(user)

    page = client.get(f"{EMAILS}{template.pk}/compare/?back=1").content.decode()
    answer = client.post(f"{EMAILS}{template.pk}/roll-back/", {"number": "1"})

    assert "Roll back to version 1</button>" not in page
    assert answer.status_code == 403
    assert template.versions.count() == 2


def test_an_original_is_only_looked_at(admin_client):
    original = shipped()
    url = f"{EMAILS}{original.pk}"

    page = admin_client.get(f"{url}/change/").content.decode()

    assert 'name="_save"' not in page
    assert f"{EMAILS}version/{original.published_version_id}/" in page
    assert "{{" not in page.partition('<p class="te-subject">')[2].partition("</p>")[0]
    assert admin_client.post(f"{url}/change/", data()).status_code == 403
    assert admin_client.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{url}/roll-back/", {"number": "1"}).status_code == 403


def test_an_original_among_others_is_not_deleted(admin_client):
    original, own = shipped(), make_template()
    chosen = {"action": "delete_selected", "_selected_action": [original.pk, own.pk]}

    answer = admin_client.post(EMAILS, {**chosen, "post": "yes"})

    assert "original template" in answer.content.decode()
    assert MessageTemplate.objects.filter(pk__in=[original.pk, own.pk]).count() == 2


def test_an_original_is_cloned_under_its_plain_name(admin_client):
    original = shipped()
    url = f"{EMAILS}{original.pk}/clone/"

    page = admin_client.get(url).content.decode()
    answer = admin_client.post(url, {"name": "Welcome", **SUBMITTED})

    copy = EmailTemplate.objects.get(name="Welcome")
    assert 'value="Welcome"' in page
    assert answer["HX-Redirect"] == f"{EMAILS}{copy.pk}/change/"
    assert admin_client.get(f"{EMAILS}{copy.pk}/change/").status_code == 200


def test_a_clone_needs_a_free_name(admin_client):
    template = make_template(name="Sale")

    url = f"{EMAILS}{template.pk}/clone/"
    answer = admin_client.post(url, {"name": "Sale", **SUBMITTED})

    assert "has this name already" in answer.content.decode()


@pytest.mark.parametrize("kind", ["own", "original"])
def test_the_list_tells_originals_from_ones_own(admin_client, kind):
    shipped()
    make_version(make_template(name="My own one"))

    page = admin_client.get(f"{EMAILS}?kind={kind}").content.decode()

    assert ("My own one" in page) == (kind == "own")
    assert ("Welcome (original)" in page) == (kind == "original")
