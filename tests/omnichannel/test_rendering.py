from __future__ import annotations

import datetime

import pytest

from omnichannel import rendering
from omnichannel.exceptions import TemplateError
from omnichannel.models import GlobalVariable, Job, Message, TemplateVersion
from omnichannel.rendering import examine, prepare, render, render_message
from omnichannel.rendering.css import inline_css
from tests.factories import NOW, make_provider
from tests.factories_templates import make_version


def said(source, values=None, global_values=None, part="text"):
    version = TemplateVersion(**{part: source})
    return getattr(render(version, values or {}, global_values or {}), part)


def refusal(**parts):
    with pytest.raises(TemplateError) as refused:
        examine(**{"subject": "", "html": "", "text": "", "values": {}, **parts})
    return refused.value


def test_recipient_comes_before_event_and_event_before_global():
    values = {"name": "recipient", "event": {"name": "event", "order": "event"}}
    everywhere = {"name": "global", "order": "global", "city": "global"}

    text = said("{{ name }} {{ order }} {{ city }}", values, everywhere)

    assert text == "recipient event global"


def test_namespaces_reach_what_a_column_hides():
    values = {"name": "recipient", "event": {"name": "event"}}

    text = said("{{ event.name }} {{ global.name }}", values, {"name": "global"})

    assert text == "event global"


@pytest.mark.parametrize("name", ["fist_name", "global.fist_name", "event.fist_name"])
def test_unknown_variable_is_named(name):
    with pytest.raises(TemplateError, match=f'Unknown variable "{name}"'):
        said(f"Hi {{{{ {name} }}}}", {"first_name": "Ana"})


def test_values_are_escaped_in_html_and_only_there():
    version = TemplateVersion(subject="{{ a }}", html="<p>{{ a }}</p>", text="{{ a }}")

    shown = render(version, {"a": "<b> & co"}, {})

    assert (shown.subject, shown.text) == ("<b> & co", "<b> & co")
    assert shown.html == "<p>&lt;b&gt; &amp; co</p>"


def test_value_with_a_line_break_cannot_break_the_subject():
    version = TemplateVersion(subject="Hi {{ name }}", text="x")

    shown = render(version, {"name": "Ana\r\nBcc: eve@example.com"}, {})

    assert shown.subject == "Hi Ana Bcc: eve@example.com"


@pytest.mark.parametrize("values", [{}, {"name": ""}, {"name": None}])
def test_default_stands_in_for_missing_and_empty_cells(values):
    assert said("Hi {{ name|default('friend') }}", values) == "Hi friend"


def test_date_and_number_filters_read_what_a_csv_holds():
    values = {"due": "2026-03-02", "total": "1234.5"}

    text = said("{{ due|date('%d.%m.%Y') }} {{ total|number(2) }}", values)

    assert text == "02.03.2026 1,234.50"


def test_filter_that_cannot_work_says_on_which_line():
    with pytest.raises(TemplateError, match="is not a number") as refused:
        said("one\ntwo\n{{ total|number }}", {"total": "abc"})

    assert refused.value.line == 3


def test_list_of_a_record_cannot_keep_a_worker_busy():
    loops = "{% for a in rows %}{% for b in rows %}{% endfor %}{% endfor %}"

    with pytest.raises(TemplateError, match="too often"):
        said(loops, {"rows": list(range(1000))})


def test_attribute_of_a_value_is_out_of_reach():
    with pytest.raises(TemplateError, match='Unknown variable "upper"'):
        said("{{ name.upper }}", {"name": "Ana"})


def test_syntax_error_tells_line_and_column():
    error = refusal(html="<p>\n  Hello {{ name }\n</p>")

    assert (error.part, error.line, error.column) == ("html", 2, 17)
    assert str(error).startswith("HTML, line 2, column 17:")


def test_open_block_is_named_with_its_place():
    error = refusal(text="{% if name %}\nHi")

    assert "endif" in str(error)
    assert (error.line, error.column) == (1, 14)


def test_unknown_variable_is_refused_with_its_place_before_anything_is_sent():
    error = refusal(subject="Hi {{ fist_name }}", values={"first_name": "Ana"})

    assert (error.part, error.line, error.column) == ("subject", 1, 7)
    assert '"fist_name"' in str(error)


@pytest.mark.parametrize(
    "source", ["{{ nick|default('you') }}", "{% if nick is defined %}{{ nick }}{% endif %}"]
)
def test_guarded_variable_may_be_missing(source):
    found = examine(subject="", html="", text=source, values={})

    assert found["variables"] == ["nick"]


def test_names_found_leave_out_what_the_template_sets_itself():
    source = "{% set a = b %}{% for row in rows %}{{ row.x }}{{ a }}{{ global.c }}{% endfor %}"

    found = examine(subject="", html="", text=source)

    assert found["variables"] == ["b", "global.c", "rows"]


def test_css_is_inlined_around_a_loop_in_a_table():
    version = TemplateVersion(
        html="<style>td { color: red } @media print { td { color: black } }</style>"
        "<table>{% for row in rows %}<tr><td {% if loop.first %}class='a'{% endif %}>"
        "{{ row }}</td></tr>{% endfor %}</table>"
        '<a class="{% if rows %}x{% endif %}" href="https://example.com/?a={{ b }}&c=1">&lt;</a>'
    )

    prepare(version, "email")

    shown = render(version, {"rows": ["1", "2"], "b": "5"}, {}).html
    assert shown.count('style="color: red;"') == 2
    assert shown.count("class='a'") == 1
    assert "@media print" in shown
    assert '<a class="x" href="https://example.com/?a=5&amp;c=1">&lt;</a>' in shown
    assert shown.index("<table>") < shown.index("<td") < shown.index("</table>")


@pytest.mark.parametrize(
    "body",
    [
        "{% if a %}<div>{% else %}<p>{% endif %}x{% if a %}</div>{% else %}</p>{% endif %}",
        "{% if a %}<table>{% else %}<div>{% endif %}<tr><td>x",
    ],
)
def test_html_that_a_parser_would_rebuild_keeps_its_style_tag(body):
    html = f"<style>p {{ color: red }}</style>{body}"

    assert inline_css(html) == html


def test_comments_and_raw_parts_come_back_as_they_were():
    kept = "<!--[if mso]>{{ a }}<![endif]-->{# note #}{% raw %}{{ b }}{% endraw %}"

    inlined = inline_css(f"<style>p {{ color: red }}</style><p>{kept}</p>")

    assert f'<p style="color: red;">{kept}</p>' in inlined


def test_braces_written_as_entities_stay_text():
    version = TemplateVersion(html="<style>p {}</style><p>&#123;&#123; secret }}</p>")

    prepare(version, "email")

    shown = render(version, {"secret": "told"}, {})
    assert "{{ secret }}" in shown.html
    assert shown.text == "{{ secret }}"


def test_remote_style_sheet_is_not_fetched(monkeypatch):
    html = '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><style>p{color:red}</style><p>x'

    found = examine(subject="", html=html, text="")

    assert "color: red" in found["compiled_html"]


def test_text_is_made_from_the_html_with_its_links_and_loops():
    version = TemplateVersion(
        html="<head><title>no</title></head><h1>Hello {{ name }}</h1>"
        "<ul>{% for row in rows %}<li>{{ row }}</li>{% endfor %}</ul>"
        '<p>See <a href="https://example.com/{{ name }}">your order</a>.</p>'
    )

    prepare(version, "email")

    text = render(version, {"name": "Ana & Bo", "rows": ["tea", "cup"]}, {}).text
    assert text.splitlines() == [
        "Hello Ana & Bo",
        "",
        "- tea",
        "- cup",
        "",
        "See your order (https://example.com/Ana & Bo).",
    ]


def test_written_text_is_kept():
    version = TemplateVersion(html="<p>HTML</p>", text="Own\n\n\ntext")

    prepare(version, "email")

    assert render(version, {}, {}).text == "Own\n\n\ntext"


def test_version_is_compiled_once_in_a_process(monkeypatch):
    version = TemplateVersion(pk=987654, text="Hi {{ name }}")
    calls = []
    compile_sources = rendering.compile_sources
    monkeypatch.setattr(
        rendering, "compile_sources", lambda sources: calls.append(1) or compile_sources(sources)
    )

    for name in "abc":
        render(version, {"name": name}, {})

    assert len(calls) == 1


@pytest.mark.django_db
def test_message_of_a_job_reads_the_same_after_the_variables_changed():
    provider = make_provider()
    version = make_version(text="{{ name }} at {{ global.company_name }}, {{ system.today }}")
    job = Job(provider=provider, context={"company_name": "Then Ltd"}, template_version=version)
    message = Message(job=job, template_version=version, variables={"name": "Ana"}, created_at=NOW)
    GlobalVariable.objects.create(key="company_name", value="Now Ltd")

    assert render_message(message).text == "Ana at Then Ltd, 2026-03-02"


@pytest.mark.django_db
def test_message_without_a_job_uses_the_variables_of_now():
    GlobalVariable.objects.create(key="company_name", value="Now Ltd")
    version = make_version(text="{{ company_name }}")

    assert render_message(Message(template_version=version)).text == "Now Ltd"


def test_message_without_a_template_says_its_own_words_untouched():
    message = Message(subject="{{ a }}", body_html="<p>{{ b }}</p>", created_at=NOW)

    shown = render_message(message)

    assert (shown.subject, shown.html, shown.text) == ("{{ a }}", "<p>{{ b }}</p>", "{{ b }}")


def test_system_values_come_from_the_message():
    message = Message(
        template_version=TemplateVersion(text="{{ system.year }} {{ system.message_key }}"),
        job=Job(context={}),
        created_at=datetime.datetime(2025, 12, 31, 23, 0, tzinfo=datetime.UTC),
    )

    assert render_message(message).text == f"2025 {message.key}"
