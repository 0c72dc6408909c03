"""What the visual editor is given, and that nothing is lost on the way there and back."""

from __future__ import annotations

import html
import re

import pytest

from omnichannel.exceptions import TemplateError
from omnichannel.rendering import visual_source
from omnichannel.rendering.visual import shown

TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def back(found) -> str:
    """As `static/studio/visual_editor.js` puts it together; tried there by a browser test."""
    body = TAG.sub(lambda tag: html.unescape(tag[0]), found["body"])
    while re.search(r"kept[ -]\d", body):
        body = re.sub(r"<!--kept (\d+)-->", lambda kept: found["kept"][int(kept[1])], body)
        body = re.sub(r"data-kept-(\d+)", lambda kept: found["kept"][int(kept[1])], body)
    return found["before"] + body + found["after"]


SOURCES = {
    "plain": "<p>Hi {{ name }}</p>",
    "empty": "",
    "text only": "Hi {{ name }}",
    "document": (
        '<!DOCTYPE html>\n<html><head><title>{{ t }}</title><style>a { color: {{ c|default("red") '
        '}} }</style></head>\n<body class="x">\n<p>Hi</p>\n</body>\n</html>\n'
    ),
    "rows": (
        "<table><tr><td>a</td></tr>{% for i in items %}<tr><td>{{ i }}</td></tr>{% endfor %}"
        "</table>"
    ),
    "quotes": """<p>{{ name|default("<b>'x'</b> & co") }}</p>""",
    "less than": "<p>{% if a < b and c %}yes{% else %}no{% endif %}</p>",
    "link": """<a href="{{ url|default("https://example.com/?a=1&b=2") }}">go</a>""",
    "style": '<p style="color: {{ colour }}" class="{% if x %}a{% endif %}">x</p>',
    "bare": '<p {% if x %}class="a"{% endif %}>x</p>',
    "half a name": '<p data-{{ x }}="1">x</p>',
    "outlook": "<div><!--[if mso]><table><tr><td>{{ x }}<![endif]-->a</div>",
    "at the edges": "\n<!-- {{ note }} -->\n<p>a</p>\n<!-- end -->\n",
    "image": "<img src={{ pic }} alt='{{ what }}'>",
    "comment": "<p>{# <b> #}a</p>",
    "raw": "<p>{% raw %}{{ x }}{% endraw %}</p>",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_not_edited_comes_back_as_it_was(source):
    assert back(shown(source)) == source


def test_tags_between_rows_are_numbers_and_tags_in_cells_can_be_read():
    body = shown(SOURCES["rows"])["body"]

    assert TAG.findall(body) == ["{{ i }}"]
    assert body.count("<!--kept") == 2


def test_nothing_that_runs_loads_or_leads_away_is_shown():
    source = (
        '<p onclick="a()">x</p><script>b()</script><meta http-equiv="refresh" content="0;url=//c">'
        '<link rel="preconnect" href="//d"><base href="//e"><style>@import "//f"</style>'
        "<embed src=g>"
    )

    found = shown(source)

    assert re.sub(r"kept[ -]\d", "", found["body"]) == "<p data->x</p>" + "<!---->" * 6
    assert back(found) == source


def test_element_whose_name_is_a_tag_is_refused():
    with pytest.raises(TemplateError, match="name of an element"):
        shown("<h{{ level }}>x</h{{ level }}>")


def test_unfinished_tag_is_told_and_not_shown():
    with pytest.raises(TemplateError, match="HTML, line 2"):
        visual_source("<p>\n{{ name</p>")


@pytest.mark.parametrize("source", ["<p " * 100_000, "<!--" * 90_000])
def test_hostile_text_holds_nobody_up(source):
    """The child's limits end it, if it does not end by itself."""
    try:
        found = visual_source(source)
    except TemplateError:
        return
    assert found["kept"] is not None
