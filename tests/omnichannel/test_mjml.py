"""Templates written in MJML: compiled when they are saved, with every Jinja tag as it was."""

from __future__ import annotations

import re

import pytest

from omnichannel import rendering
from omnichannel.exceptions import TemplateError
from omnichannel.publishing import publish
from omnichannel.rendering.mjml import compiled
from tests.factories import make_message
from tests.factories_templates import make_template

COLUMN = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
BODY = "<mjml>\n<mj-body>\n{}</mj-body>\n</mjml>"


def refused(source: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compiled(source)
    return caught.value


@pytest.mark.parametrize(
    "tag",
    [
        "{{ name }}",
        '{{ name|default("<b>Tom & Co</b>") }}',
        "{{ name|replace('\"', \"'\") }}",
        "{% if a < b and c > d %}{% endif %}",
        "{# not <mj-text> #}",
        "{% raw %}{{ as it is }}{% endraw %}",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "<mj-text>Hi {}</mj-text>",
        "<mj-text><a href='{}'>x</a></mj-text>",
        "<mj-table><tr><td>{}</td></tr></mj-table>",
        "<mj-raw>{}</mj-raw>",
        '<mj-image src="x" alt="{}"/>',
        '<mj-button href="{}">Go</mj-button>',
        "<mj-button>{}</mj-button>",
        "<mj-text>a</mj-text>{}<mj-text>b</mj-text>",
    ],
)
def test_tag_comes_through_unchanged_wherever_it_stands(tag, place):
    html = compiled(COLUMN.format(place.replace("{}", tag)))

    assert tag in html


def test_loop_around_sections_and_columns_keeps_its_place_and_the_widths():
    html = compiled(
        BODY.format(
            "{% for row in rows %}<mj-section>{% if row.a %}<mj-column><mj-text>A</mj-text>"
            "</mj-column>{% endif %}<mj-column><mj-text>B</mj-text></mj-column></mj-section>"
            "{% endfor %}"
        )
    )

    tags = re.findall(r"\{%.*?%\}|>A<|>B<|mj-column-per-50", html.partition("<body")[2])
    assert tags == [
        "{% for row in rows %}",
        "{% if row.a %}",
        "mj-column-per-50",
        ">A<",
        "{% endif %}",
        "mj-column-per-50",
        ">B<",
        "{% endfor %}",
    ]


def test_html_inside_text_is_none_of_the_compilers_business():
    content = "a < b & c <br> <p>open <img src=x> &copy; <input disabled> 👩‍🔬"

    assert content in compiled(COLUMN.format(f"<mj-text>{content}</mj-text>"))


def test_quotes_in_an_attribute_stay_inside_it():
    html = compiled(COLUMN.format("""<mj-image src="x" alt='the "best" 👩‍🔬'/>"""))

    assert 'alt="the &quot;best&quot; 👩‍🔬"' in html


def test_no_font_is_fetched_from_elsewhere_unless_the_source_names_it():
    font = '<mjml><mj-head><mj-font name="F" href="https://example.com/f.css"/></mj-head>'
    used = '<mj-text font-family="F">x</mj-text>'

    assert "googleapis" not in compiled(COLUMN.format("<mj-text>x</mj-text>"))
    assert "example.com/f.css" in compiled(COLUMN.format(used).replace("<mjml>", font))


@pytest.mark.parametrize(
    ("inside", "line", "text"),
    [
        ("\n<mj-include path='/etc/passwd'/>", 4, "<mj-include> is not allowed"),
        ("<mj-section>\n<mj-colum></mj-colum></mj-section>", 4, "<mj-colum> is not an element"),
        ("{# one\ntwo #}\n<mj-text>x</mj-text>", 5, "<mj-text> cannot stand in <mj-body>"),
        ("<mj-section>", 3, "</mj-section> is expected here"),
        ("<mj-section></mj-column></mj-section>", 3, "</mj-section> is expected here"),
        ("\nHello", 4, '"Hello" cannot stand in <mj-body>'),
        ("<mj-section {% if x %}a{% endif %}></mj-section>", 3, "only inside the value"),
        ("<mj-section a=b></mj-section>", 3, 'written as name="value"'),
        ("</mj-body></mjml>{{ x }}<mjml>", 3, "A Jinja tag cannot stand outside <mjml>"),
    ],
)
def test_fault_is_named_with_its_line(inside, line, text):
    error = refused(BODY.format(inside))

    assert text in str(error)
    assert error.line == line


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", "MJML begins with <mjml>"),
        ("<p>Hi</p>", "cannot stand outside <mjml>"),
        (COLUMN.format("<mj-text>x</mj-txt>"), "<mj-text> is not closed"),
        (COLUMN.format("<mj-text><mj-button>x</mj-button></mj-text>"), "cannot stand in <mj-text>"),
        (COLUMN.format("<mj-social>{% if x %}</mj-social>"), "cannot stand in <mj-social>"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><mjml></mjml>", "cannot stand outside <mjml>"),
        ("<mjml><mj-body>", "<mj-body> is not closed"),
    ],
)
def test_what_is_no_mjml_is_refused(source, text):
    assert text in str(refused(source))


def test_nothing_can_be_nested_without_end():
    deep = "<mj-section><mj-column>" * 5_000 + "</mj-column></mj-section>" * 5_000

    with pytest.raises(TemplateError, match="cannot stand in"):
        rendering.examine(subject="", html=BODY.format(deep), text="", kind="mjml")


def test_too_many_elements_are_refused_before_they_are_compiled():
    many = "<mj-section></mj-section>" * 3_001

    with pytest.raises(TemplateError, match="More than 3,000 elements"):
        rendering.examine(subject="", html=BODY.format(many), text="", kind="mjml")


def test_file_of_the_server_is_not_read():
    source = BODY.format("<mj-section><mj-column></mj-column></mj-section>").replace(
        "<mj-body>", "<mj-head><mj-include path='/etc/passwd' type='css'/></mj-head><mj-body>"
    )

    with pytest.raises(TemplateError, match="mj-include"):
        rendering.examine(subject="", html=source, text="", kind="mjml")


def test_unknown_variable_is_named_at_its_place_in_the_mjml():
    source = COLUMN.format("\n\n<mj-text>{{ nobody }}</mj-text>")

    with pytest.raises(TemplateError, match='HTML, line 3, column 13: Unknown variable "nobody"'):
        rendering.examine(subject="", html=source, text="", kind="mjml", values={})


def test_fault_while_filling_in_names_no_line_of_what_was_compiled():
    source = COLUMN.format("<mj-text>{{ when|date }}</mj-text>")

    with pytest.raises(TemplateError, match=r"HTML: .*is not a date"):
        rendering.examine(subject="", html=source, text="", kind="mjml", values={"when": "soon"})


@pytest.mark.django_db
def test_source_is_kept_and_what_was_sent_is_the_compiled_html():
    template = make_template(sample_variables={"name": "Ana"})
    source = COLUMN.format("<mj-text>Hi {{ name }}</mj-text>")

    version = publish(template, subject="Hi", html=source, source_kind="mjml")
    message = make_message(template_version=version, variables={"name": "Tom"})
    shown = rendering.render_message(message)

    assert (version.source_kind, version.html) == ("mjml", source)
    assert "mj-text" not in shown.html
    assert ">Hi Tom</div>" in shown.html
    assert shown.text == "Hi Tom"


@pytest.mark.django_db
def test_same_text_in_another_kind_is_another_version():
    template = make_template()
    source = COLUMN.format("<mj-text>Hi</mj-text>")
    first = publish(template, subject="Hi", html=source)

    second = publish(template, subject="Hi", html=source, source_kind="mjml")

    assert (first.source_kind, second.source_kind, second.number) == ("html", "mjml", 2)
    assert publish(template, subject="Hi", html=source, source_kind="mjml") == second
