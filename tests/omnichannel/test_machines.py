from __future__ import annotations

import datetime

import pytest

from omnichannel.machines import is_too_soon, machine
from tests.factories import NOW

PEOPLE = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Linux; Android 11; CUBOT X30) AppleWebKit/537.36 Mobile Safari/537.36",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.14326; Pro)",
]
MACHINES = {
    "": "no name given",
    "   ": "no name given",
    "Mozilla/5.0": "Apple Mail's proxy",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0": "Gmail's prefetch",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ BingPreview/1.0b": (
        "Microsoft's link check"
    ),
    "Barracuda Sentinel (EE)": "scanner",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "crawler",
    "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/138.0.0.0 Safari/537.36": "crawler",
    "curl/8.5.0": "script",
    "python-requests/2.32": "script",
    "x" * 50_000 + "bot/": "",
}


@pytest.mark.parametrize("agent", PEOPLE)
def test_programs_of_people_are_no_machines(agent):
    assert machine(agent) == ""


@pytest.mark.parametrize("agent", MACHINES)
def test_machines_are_known_by_what_they_say(agent):
    assert machine(agent) == MACHINES[agent]


def test_nobody_reads_within_a_moment_of_the_hand_over():
    assert is_too_soon(None, NOW)
    assert is_too_soon(NOW, NOW + datetime.timedelta(seconds=1))
    assert not is_too_soon(NOW, NOW + datetime.timedelta(minutes=1))
