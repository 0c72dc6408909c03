from __future__ import annotations

import pytest

from campaigns import report_check, report_links
from campaigns.report_links import MOST, MOST_WHOLE, OTHERS
from tests.campaigns.test_report import fill, make_ended_run, report_of
from tests.factories_reports import make_event

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example.com"


def clicked(run, *urls):
    """A message whose links a vendor counted."""
    message = fill(run, status="sent")
    for url in urls:
        make_event(message, "clicked", code="click", url=url)


def lines_of(report):
    return [(link.href, link.messages, link.clicks) for link in report.links]


def test_addresses_of_each_recipient_become_one_line():
    run = make_ended_run()
    for number in range(MOST_WHOLE):
        clicked(run, f"{SHOP}/order?id={number}#top", f"{SHOP}/order?id={number}&again=1")
    clicked(run, f"{SHOP}/news", f"{SHOP}/order#bottom")

    report = report_of(run)

    assert lines_of(report) == [
        (f"{SHOP}/order?…", MOST_WHOLE + 1, 2 * MOST_WHOLE + 1),
        (f"{SHOP}/news", 1, 1),
    ]
    assert not list(report_check.differences(run, report))


def test_few_addresses_are_told_in_full():
    run = make_ended_run()
    clicked(run, *(f"{SHOP}/?page={number}" for number in range(MOST_WHOLE)))

    assert len(lines_of(report_of(run))) == MOST_WHOLE


def test_addresses_without_end_are_folded_into_one_line():
    run = make_ended_run()
    for number in range(MOST + 5):
        clicked(run, f"{SHOP}/for/{number:03}")
    clicked(run, f"{SHOP}/for/{MOST:03}", f"{SHOP}/for/{MOST:03}", f"{SHOP}/for/{MOST + 1:03}")

    report = report_of(run)

    lines = lines_of(report)
    assert len(lines) == MOST + 1
    assert lines[0] == (f"{SHOP}/for/{MOST:03}", 2, 3)
    assert lines[-1] == (OTHERS, 5, 5)
    assert sum(clicks for *_, clicks in lines) == MOST + 8
    assert not list(report_check.differences(run, report))


@pytest.mark.parametrize(
    ("url", "brief"),
    [
        ("https://a.example/b", "https://a.example/b"),
        ("https://a.example/b?c", "https://a.example/b?…"),
        ("https://a.example/b#c?d", "https://a.example/b?…"),
        ("?", "?…"),
        ("", ""),
        ("ä?ö", "ä?…"),
    ],
)
def test_python_and_the_database_shorten_alike(url, brief):
    run = make_ended_run()
    clicked(run, url, *(f"{SHOP}/{number}" for number in range(MOST_WHOLE)))

    assert report_links.short(url) == brief
    assert (brief, 1, 1) in lines_of(report_of(run))
