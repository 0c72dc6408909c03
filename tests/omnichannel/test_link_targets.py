"""A counted link leads exactly where a browser would have gone by the href itself."""

from __future__ import annotations

import random

import pytest
from django.utils.encoding import iri_to_uri

from omnichannel.rendering.links import safe_target
from tests.browsers import chromium

pytestmark = pytest.mark.browser
PIECES = [
    "&",
    "&amp;",
    "&copy",
    "&copy;",
    "=",
    "region",
    "reg",
    "&not",
    "in;",
    "&#38;",
    "&#x3D",
    "&#0;",
    "a",
    "?",
    "/",
    "#",
    "1",
    ";",
    "&lt",
    "&ampx",
    "%20",
    "ü",
    "&Aacute",
    "&notit;",
    "&times=",
    "+",
    ":",
    "&nbsp;",
    "&#13;",
    "[']",
    "~",
]
BY_HREF = """hrefs => hrefs.map(href => {
    const template = document.createElement("template");
    template.innerHTML = '<a href="' + href + '">';
    return template.content.firstChild.href;
})"""
BY_LOCATION = "targets => targets.map(target => target && new URL(target).href)"


def test_targets_are_those_of_a_browser(chromium_path):
    chance = random.Random(7)
    hrefs = [
        "https://shop.example/" + "".join(chance.choices(PIECES, k=chance.randint(1, 8)))
        for _ in range(2000)
    ]
    locations = [iri_to_uri(safe_target(href)) for href in hrefs]

    with chromium(chromium_path) as browser:
        page = browser.new_page()
        expected = page.evaluate(BY_HREF, hrefs)
        found = page.evaluate(BY_LOCATION, locations)

    followed = [(a, b) for a, b in zip(found, expected, strict=True) if a]
    assert len(followed) > 1000
    assert [pair for pair in followed if pair[0] != pair[1]] == []
