"""The SMS editor's counter in a real browser."""

from __future__ import annotations

import random

import pytest

from omnichannel.models import SmsTemplate
from omnichannel.sms_text import BASIC, EXTENDED, measure, table

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ADD = "/admin/omnichannel/smstemplate/add/"


def texts() -> list[str]:
    """Both sides of every edge, and what chance makes of all kinds of characters."""
    edges = [*range(3), 69, 70, 71, 134, 135, 159, 160, 161, 306, 307, 459, 460]
    found = [kind * length for kind in ("a", "€", "ț", "😀", "a€", "ț😀") for length in edges]
    found += [
        BASIC,
        EXTENDED,
        BASIC + EXTENDED,
        "`",
        "ç",
        "\u00a0",
        "\r\n",
        "e\u0301",
        "👩\u200d👩",
    ]
    chance = random.Random(7)
    for alphabet in (BASIC + EXTENDED, "ab€[", "aț😀", BASIC + EXTENDED + "țăîș“”\u202f😀🎉"):
        found += ["".join(chance.choices(alphabet, k=chance.randrange(500))) for _ in range(50)]
    return found


def test_the_browser_counts_as_the_server_does(page, live_server):
    page.goto(f"{live_server.url}{ADD}")

    counted = page.evaluate(
        "([texts, table]) => texts.map(text => window.smsSize(text, table))", [texts(), table()]
    )

    expected = [measure(text)._asdict() for text in texts()]
    assert [{**size, "reasons": "".join(size["reasons"])} for size in counted] == expected


@pytest.mark.slow
def test_a_text_is_counted_while_it_is_written(page, live_server):
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{live_server.url}{ADD}")
    page.fill("[name=name]", "Order")
    why = page.locator(".te-why")

    page.fill("[name=text]", "{{ name }}" + "€" * 80)
    page.get_by_role("button", name="name", exact=True).click()  # its sample is its name
    page.get_by_text("GSM-7, 2 parts, 164 units, 141 left").wait_for()
    is_hidden = why.is_hidden()
    page.fill("[name=text]", "{{ name }}: ț and 😀")
    page.get_by_text("UCS-2, 1 part, 14 units, 56 left").wait_for()

    assert is_hidden
    assert why.locator("b").all_inner_texts() == ["ț", "😀"]
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/smstemplate/")
    assert SmsTemplate.objects.get().published_version.text == "{{ name }}: ț and 😀"
    assert not faults


@pytest.mark.slow
def test_short_links_and_a_deviation_are_shown_at_once(page, live_server, settings):
    settings.PUBLIC_URL = "https://s.example.com"
    page.goto(f"{live_server.url}{ADD}")
    page.fill("[name=text]", "See https://shop.example.com/a/long/way")
    page.get_by_text("39 units").wait_for()

    page.get_by_text("Shorten links", exact=True).click()
    page.get_by_text("See https://s.example.com/s/xxxxxxxxxxxx").wait_for()
    page.get_by_text("40 units").wait_for()
    page.get_by_text("India (DLT)", exact=True).click()
    page.fill("[name=dlt_text]", "Look {#var#}")

    page.get_by_text("It deviates from the DLT registered text at character 1").wait_for()
