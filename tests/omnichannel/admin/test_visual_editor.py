"""The editors of an e-mail's HTML in a real browser: visual, completion, the list of variables."""

from __future__ import annotations

import re

import pytest

from omnichannel.admin.template_visual import is_installed
from omnichannel.models import EmailTemplate
from omnichannel.publishing import publish
from tests.factories_templates import make_template

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
visual = pytest.mark.skipif(not is_installed(), reason="./run visual-editor was not run")

ADD = "/admin/omnichannel/emailtemplate/add/"
ACE = "document.querySelector('.django-ace-widget').editor"
SAMPLES = {"name": "Ana", "items": [{"label": "Tea", "price": 3}], "url": "a", "colour": "red"}
SOURCE = """<!DOCTYPE html>
<html lang="en"><head><title>{{ name }}</title>
<style>.a { color: {{ colour|default("red") }} }
@media (max-width: 400px) { p { margin: 0 } }</style>
</head><body class="{% if name %}x{% endif %}">
<!--[if mso]><table><tr><td>{{ name }}<![endif]-->
<h1>Dear customer</h1>
<p style="color: {{ colour }}" class="a">Hi {{ name|default("<b>you</b> & 'co'") }},
{% if items|length > 0 and 1 < 2 %}see:{% else %}nothing{% endif %} <b>now</b> <i>or never</i></p>
<table border="1"><tbody><tr><th>What</th></tr>{% for item in items %}
<tr {% if loop.first %}class="f"{% endif %}><td>{{ item.label|replace("\\"", "'") }}</td></tr>
{% endfor %}</tbody></table>
<a href="https://example.com/?a=1&amp;b={{ url|default("x")|urlencode }}">Go</a>
</body></html>
"""
HOSTILE = (
    "<body onload='top.owned = 1'><h1>Hello</h1><script>top.owned = 1</script>"
    "<img src=x onerror='top.owned = 1'>"
    "<svg onload='top.owned = 1'></svg><iframe srcdoc='<script>top.owned = 1</script>'></iframe>"
    '<meta http-equiv="refresh" content="0;url=https://leads.example.com/">'
    "<a href='javascript:top.owned = 1'>click</a><form action='https://form.example.com/'></form>"
    '<link rel="stylesheet" href="https://style.example.com/"><object data="https://o.example.com">'
    '<img src="https://tracker.example.com/pixel.png">'
)


@pytest.fixture
def seen():
    """Requests to other hosts that were not stopped, and scripts that failed."""
    return {"asked": set(), "stopped": set(), "faults": []}


@pytest.fixture
def page(operator_context, live_server, seen):
    """An operator's page, whose requests and faults are seen."""
    operator_context.on("request", lambda request: seen["asked"].add(request.url))
    operator_context.on("requestfailed", lambda request: seen["stopped"].add(request.url))
    operator_context.on("weberror", lambda error: seen["faults"].append(str(error.error)))
    yield operator_context.new_page()
    operator_context.close()
    ours = (live_server.url, "data:", "blob:", "about:", "chrome-error:")
    got_out = {url for url in seen["asked"] - seen["stopped"] if not url.startswith(ours)}
    assert not got_out
    assert not seen["faults"]


def open_editor(page, address: str = ADD) -> None:
    page.goto(address)
    page.wait_for_function(f"{ACE} && document.querySelector('#template-editor:not([x-cloak])')")


def open_visual(page):
    """The frame of the visual editor, once it shows the template."""
    page.get_by_role("tab", name="Visual").click()
    page.wait_for_function(
        "document.querySelector('#html-panel-visual iframe').contentWindow.studioVisual"
        "?.editor.getWrapper().components().length > 0"
    )
    return page.frame_locator("#html-panel-visual iframe")


def in_visual_editor(page, script: str):
    """The answer of a script that has GrapesJS as `editor`."""
    frame = "document.querySelector('#html-panel-visual iframe')"
    return page.evaluate(
        f"() => {{ const {{ editor }} = {frame}.contentWindow.studioVisual; {script} }}"
    )


def write(page, html: str) -> None:
    page.evaluate(f"html => {ACE}.setValue(html, -1)", html)


def written(page) -> str:
    return page.evaluate(f"{ACE}.getValue()")


@pytest.mark.slow
@visual
def test_visual_edit_changes_what_was_edited_and_keeps_every_tag(page):
    template = make_template(sample_variables=SAMPLES)
    publish(template, subject="Hi", html=SOURCE)
    open_editor(page, f"/admin/omnichannel/emailtemplate/{template.pk}/change/")

    canvas = open_visual(page).frame_locator("iframe.gjs-frame")
    canvas.get_by_role("heading", name="Dear customer").dblclick()
    page.keyboard.press("End")
    page.keyboard.type(" & friend {{ name }}")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/emailtemplate/")

    template = EmailTemplate.objects.get()
    version = template.published_version
    edited = SOURCE.replace("Dear customer", "Dear customer &amp; friend {{ name }}")
    assert version.number == 2
    assert version.html == edited


@pytest.mark.slow
@visual
def test_looking_at_the_visual_editor_changes_nothing(page):
    open_editor(page)
    write(page, SOURCE)

    open_visual(page)
    page.get_by_role("tab", name="Code").click()

    assert written(page) == SOURCE


@pytest.mark.slow
@visual
def test_style_given_visually_joins_the_one_that_has_a_tag(page):
    open_editor(page)
    write(page, SOURCE)

    open_visual(page)
    in_visual_editor(
        page, """editor.getWrapper().find("p")[0].addStyle({ "font-size": "20px" });"""
    )
    page.get_by_role("tab", name="Code").click()

    assert '<p style="color: {{ colour }}; font-size:20px;" class="a">' in written(page)


@pytest.mark.slow
@visual
def test_every_block_can_be_used_without_a_request_to_another_host(page):
    open_editor(page)
    write(page, "<p>a</p>")

    open_visual(page)
    count = in_visual_editor(
        page,
        """
            const blocks = editor.Blocks.getAll().models;
            blocks.forEach((block) => editor.getWrapper().append(block.get("content")));
            return blocks.length;
        """,
    )
    page.get_by_role("tab", name="Code").click()

    assert count > 10
    assert "placeholder" not in written(page)


@visual
def test_hostile_html_runs_nothing_and_reaches_nobody(page):
    open_editor(page)
    write(page, HOSTILE)

    canvas = open_visual(page).frame_locator("iframe.gjs-frame")
    canvas.get_by_role("heading", name="Hello").click()
    page.wait_for_load_state("networkidle")

    assert page.evaluate("window.owned") is None


@pytest.mark.slow
@visual
def test_variable_goes_into_the_text_that_is_edited_visually(page):
    open_editor(page)
    write(page, "<p>Hello</p>")

    canvas = open_visual(page).frame_locator("iframe.gjs-frame")
    canvas.get_by_text("Hello").dblclick()
    page.keyboard.press("End")
    page.get_by_role("button", name="Insert global.company_name").click()
    page.get_by_role("tab", name="Code").click()

    assert written(page) == "<p>Hello{{ global.company_name }}</p>"


@pytest.mark.slow
def test_mjml_is_written_as_code(page):
    open_editor(page)

    page.select_option("[name=source_kind]", "mjml")
    page.get_by_role("tab", name="Visual").click()

    page.get_by_text("This template is written in MJML: edit it as code.").wait_for()


@pytest.mark.slow
def test_variable_goes_where_the_cursor_is(page):
    open_editor(page)
    page.fill("[name=subject]", "Hello !")
    page.press("[name=subject]", "ArrowLeft")

    page.get_by_label("Look for a variable").fill("company_n")
    page.get_by_role("button", name="Insert global.company_name").focus()
    page.keyboard.press("Enter")
    write(page, "<p>{{ }}</p>")
    page.locator(".django-ace-widget").click()
    page.evaluate(f"{ACE}.gotoLine(1, 6)")
    page.get_by_role("button", name="Insert global.company_name").click()

    assert page.input_value("[name=subject]") == "Hello {{ global.company_name }}!"
    assert written(page) == "<p>{{ global.company_name}}</p>"


@pytest.mark.slow
def test_variables_filters_and_statements_are_completed_while_typing(page):
    open_editor(page)
    page.locator("#id_sample_variables").evaluate(
        """field => {
            field.value = '{"first_name": "Ana"}';
            field.dispatchEvent(new Event("input"));
        }"""
    )
    page.get_by_role("button", name="Insert first_name").wait_for()
    page.locator(".django-ace-widget").click()
    chosen = page.locator(".ace_autocomplete .ace_line.ace_selected")

    page.keyboard.type("{{ fir", delay=100)
    chosen.filter(has_text="first_name").wait_for()
    page.keyboard.press("Enter")
    assert written(page) == "{{ first_name }}"

    page.evaluate(f"{ACE}.gotoLine(1, 13)")
    page.keyboard.type("|def", delay=100)
    chosen.filter(has_text="default").wait_for()
    page.keyboard.press("Enter")
    assert written(page) == '{{ first_name|default("there") }}'

    page.evaluate(f"{ACE}.setValue('', -1)")
    page.keyboard.type("{% fo", delay=100)
    chosen.filter(has_text=re.compile(r"^for\s")).wait_for()
    page.keyboard.press("Enter")
    assert written(page) == "{% for item in items %}\n{{ item }}\n{% endfor %}"
