from __future__ import annotations

import re

import pytest

from omnichannel.admin import template_visual
from omnichannel.models import EmailTemplate
from tests.omnichannel.admin.posted import client_with, errors_of, formset

pytestmark = pytest.mark.django_db

EMAILS = "/admin/omnichannel/emailtemplate/"
MJML = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"


def mjml_data(content: str):
    return {
        "name": "Welcome",
        "subject": "Hi",
        "source_kind": "mjml",
        "html": MJML.format(content),
        "sample_variables": '{"name": "Ana"}',
        **formset("versions"),
    }


def test_visual_editor_runs_its_own_scripts_only(admin_client, monkeypatch):
    monkeypatch.setattr(template_visual, "is_installed", lambda: True)

    answer = admin_client.get(f"{EMAILS}visual/")

    policy = answer["Content-Security-Policy"]
    [nonce] = re.findall("'nonce-([^']+)'", policy)
    assert answer.content.decode().count(f'<script nonce="{nonce}" src="/static/') == 3
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self'" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_nonce_is_another_each_time(admin_client):
    first, second = (admin_client.get(f"{EMAILS}visual/") for _ in range(2))

    assert first["Content-Security-Policy"] != second["Content-Security-Policy"]


def test_missing_editor_says_how_to_get_it(admin_client, monkeypatch):
    monkeypatch.setattr(template_visual, "is_installed", lambda: False)

    page = admin_client.get(f"{EMAILS}visual/").content.decode()

    assert "<code>./run visual-editor</code>" in page
    assert "<script" not in page


def test_setting_hides_the_tab(admin_client, settings):
    settings.VISUAL_EDITOR = False

    page = admin_client.get(f"{EMAILS}add/").content.decode()

    tab = re.search(r'<button[^>]*id="html-tab-visual"[^>]*>', page)[0]
    assert tab.endswith(" hidden>")
    assert not template_visual.is_installed()


def test_source_for_the_editor_is_asked_for_by_post_and_with_permission(client, admin_client):
    html = {"html": "<p>Hi\r\n{{ name }}</p>"}

    assert admin_client.get(f"{EMAILS}visual/source/").status_code == 405
    assert admin_client.post(f"{EMAILS}visual/source/", html).json()["body"] == (
        "<p>Hi\n{{ name }}</p>"
    )
    stranger = client_with()
    assert stranger.post(f"{EMAILS}visual/source/", html).status_code == 403
    assert stranger.get(f"{EMAILS}visual/").status_code == 403


def test_fault_in_the_html_is_told_with_its_place(admin_client):
    answer = admin_client.post(f"{EMAILS}visual/source/", {"html": "<p>\n{{ name</p>"})

    assert answer.json()["error"].startswith("HTML, line 2")


def test_template_written_in_mjml_is_compiled_when_it_is_saved(admin_client):
    admin_client.post(f"{EMAILS}add/", mjml_data("<mj-text>Hi {{ name }}</mj-text>"))

    version = EmailTemplate.objects.get().published_version
    assert version.source_kind == "mjml"
    assert version.html.startswith("<mjml>")
    assert ">Hi {{ name }}</div>" in version.compiled_html


def test_fault_in_mjml_is_told_at_the_field(admin_client):
    answer = admin_client.post(f"{EMAILS}add/", mjml_data("\n<mj-txt>Hi</mj-txt>"))

    assert errors_of(answer) == {"html": "HTML, line 2: <mj-txt> is not an element of MJML."}
    assert not EmailTemplate.objects.exists()


def test_preview_shows_the_compiled_mjml(admin_client):
    data = mjml_data("<mj-text>Hi {{ name }}</mj-text>")

    page = admin_client.post(f"{EMAILS}preview/", data).content.decode()
    told = admin_client.post(f"{EMAILS}inspect/", data).json()

    assert ">Hi Ana</div>" in page
    assert "mj-text" not in page
    assert told["variables"] == ["name"]


def test_kind_that_there_is_not_is_refused(admin_client):
    answer = admin_client.post(f"{EMAILS}add/", {**mjml_data(""), "source_kind": "docx"})

    assert "source_kind" in errors_of(answer)


def test_saved_mjml_is_shown_as_mjml_again(admin_client):
    admin_client.post(f"{EMAILS}add/", mjml_data("<mj-text>Hi</mj-text>"))
    template = EmailTemplate.objects.get()

    page = admin_client.get(f"{EMAILS}{template.pk}/change/").content.decode()

    assert re.search(r'<option value="mjml"\s+selected', page)
    assert "&lt;mjml&gt;" in page
