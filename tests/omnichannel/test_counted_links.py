"""A template with counted links in it renders to the same document, but for the hrefs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnichannel.rendering.environment import HTML, run
from omnichannel.rendering.links import Page, counted, followed, safe_target
from omnichannel.rendering.values import names_of

OPEN, CLICK = "https://t.example.com/o.gif", "https://t.example.com/c/"
PIXEL = f'<img src="{OPEN}" width="1" height="1" alt="">'
NAMES = names_of(
    {"x": 1, "none": 0, "url": "https://a.example.com/?a=1&b=2", "items": ["p", "q"]},
    {"site": "https://b.example.com"},
    {"unsubscribe_url": "https://t.example.com/u/1/"},
)


def rewritten(source: str, *, is_template: bool = True) -> str:
    return counted(source, is_template=is_template, open_url=OPEN, click_url=CLICK)


def shown(source: str) -> str:
    return run(HTML.load(source), NAMES)


def undone(document: str, source: str) -> str:
    """The document with what the links say in place of their numbers."""
    links = Page(source, is_template=True).links
    document = document.replace(PIXEL, "")
    return re.sub(
        re.escape(f'"{CLICK}') + r'(\d+)"',
        lambda found: f'"{shown(links[int(found[1]) - 1].source)}"',
        document,
    )


PIECE = st.sampled_from(
    [
        '<a href="https://shop.example.com/">shop</a>',
        "<a class='b' HREF='https://shop.example.com/?q={{ x }}&amp;r=1' title=\"a > b\">x</a>",
        '<a href="{{ url }}">url</a>',
        '<a title=\'href="https://no.example.com"\' href="{{ global.site }}/a">site</a>',
        '<a href="mailto:{{ x }}@example.com">mail</a>',
        '<a href="tel:+12025550123">phone</a><a href="#top">top</a><a href="">none</a><a>bare</a>',
        '<a href="{{ system.unsubscribe_url }}">out</a>',
        '<a data-no-track href="https://own.example.com/">own</a>',
        '<a {% if x %}href="https://b.example"{% else %}href="https://c.example"{% endif %}>',
        '<a href="{% if none %}https://d.example.com{% else %}https://e.example.com{% endif %}">',
        '{% for p in items %}<a href="https://s.example.com/{{ p }}">{{ p }}</a>{% endfor %}',
        '{% for item in items %}<a href="https://s.example.com/all">{{ item }}</a>{% endfor %}',
        '{% set y = x %}<a href="https://s.example.com/{{ y }}">set</a>',
        '<!--[if mso]><a href="https://mso.example.com">{{ x }}</a><![endif]-->',
        '<!--[if !mso]><!--><a href="https://rest.example.com">x</a><!--<![endif]-->',
        "<style>a[href='https://css.example.com'] { color: red }</style>",
        "{% raw %}<a href='https://raw.example.com/{{ x }}'>{% endraw %}",
        "{# <a href='https://note.example.com'> #}",
        '<area shape=rect href="https://map.example.com">',
        '<link href="https://sheet.example.com"><base href="https://base.example.com/">',
        "<p>1 < 2 & {{ x }}</p>\n",
        "</body></html>",
        "{%- if x -%} kept {%- endif -%} ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECE, max_size=9))
def test_only_the_hrefs_differ(pieces):
    source = "".join(pieces)

    document = shown(rewritten(source))

    original = shown(source).replace("'https://shop", '"https://shop')
    original = original.replace("&amp;r=1'", '&amp;r=1"')
    assert document.count(PIXEL) == 1
    assert undone(document, source) == original


@pytest.mark.parametrize(
    "left",
    [
        '<a href="mailto:ana@example.com">',
        '<a href="tel:+12025550123">',
        '<a href="#part">',
        '<a href="">',
        '<a href="/path">',
        '<a href="//example.com">',
        '<a href="javascript:x()">',
        '<a href="{{ system.unsubscribe_url }}">',
        '<a href="{{ system.preferences_url }}?from=mail">',
        '<a href="https://example.com" data-no-track>',
        '<A Data-No-Track="yes" href="https://example.com">',
        '<a data-href="https://example.com">',
        "<a title=\"<a href='https://example.com'>\">",
        '<link href="https://example.com">',
        '<a href="https://example.com/\n{{ x }}/">',
        '<!-- <a href="https://example.com"> -->',
        '{% for u in items %}<a href="{{ u }}">{% endfor %}',
        '{% for u in items %}<a href="https://example.com/{{ loop.index }}">{% endfor %}',
        '<a href="https://example.com/{% if x %}a">{% else %}b">{% endif %}',
    ],
)
def test_these_links_are_left_alone(left):
    assert counted(left, is_template=True, open_url="", click_url=CLICK) == left


def test_every_link_has_its_number_whether_it_is_followed_or_not():
    source = (
        '<a href="https://one.example.com">1</a><a href="mailto:a@example.com">2</a>'
        '<a data-no-track href="https://three.example.com">3</a><a href=https://four.example.com/x>'
    )

    document = counted(source, is_template=True, open_url="", click_url=CLICK)

    assert re.findall(re.escape(CLICK) + r"(\d+)", document) == ["1", "4"]
    assert followed(source, 4, is_template=True) == "https://four.example.com/x"
    assert [followed(source, number, is_template=True) for number in (0, 2, 3, 5)] == [None] * 4


def test_the_pixel_comes_before_the_end_of_the_body():
    assert rewritten("<body><p>Hi</p></BODY ></html>") == f"<body><p>Hi</p>{PIXEL}</BODY ></html>"
    assert rewritten("<p>Hi</p>") == f"<p>Hi</p>{PIXEL}"
    assert rewritten("<!-- </body> --><p>") == f"<!-- </body> --><p>{PIXEL}"


def test_a_body_that_is_no_template_keeps_its_braces():
    body = '<a href="https://example.com/{{ x }}">{% if %} {{ {# </a>'

    assert (
        rewritten(body, is_template=False) == f'<a href="{CLICK}1">{{% if %}} {{{{ {{# </a>{PIXEL}'
    )
    assert followed(body, 1, is_template=False) == "https://example.com/{{ x }}"


def test_a_source_with_our_own_marks_is_not_taken_apart():
    source = '<a href="https://example.com">\ue0000\ue001</a>{{ x }}'

    assert counted(source, is_template=True, open_url="", click_url=CLICK) == source


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://example.com/?a=1&amp;b=2", "https://example.com/?a=1&b=2"),
        (" HTTP://example.com ", "HTTP://example.com"),
        ("https://bücher.example/ü", "https://bücher.example/ü"),
        ("javascript:alert(1)", ""),
        ("java&#115;cript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.com", ""),
        ("/path", ""),
        ("", ""),
        ("https://", ""),
        ("https:///path", ""),
        ("https://exa\r\nSet-Cookie: a=b", ""),
        ("https://example.com/&#13;&#10;X: y", ""),
        ("\n\t https://example.com/\r\n", "https://example.com/"),
        (
            "https://example.com/?a=1&region=eu&copy=2&not",
            "https://example.com/?a=1&region=eu&copy=2¬",
        ),
        (
            "https://example.com/?a=1&regx;&copy;&#38;b=&#x26;",
            "https://example.com/?a=1&regx;©&b=&",
        ),
        ("https:\\\\example.com", ""),
        ("https://example.com\\@evil.example", ""),
        ("https://[broken", ""),
        ("https://example.com/" + "a" * 9000, ""),
    ],
)
def test_only_a_plain_web_address_is_a_target(href, target):
    assert safe_target(href) == target
