from __future__ import annotations

import datetime

import pytest

from omnichannel.backends.netcore_sms import NetcoreSms
from omnichannel.backends.pepipost import Pepipost
from omnichannel.backends.vendor_values import key_in, moment_of, text_of
from omnichannel.exceptions import InvalidWebhook
from tests.factories_outgoing import make_config
from tests.omnichannel.backends.recorded import posted

AT = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)
KEY = "6f2c4b1e-0d5a-4b7e-9c3d-2a1b0c9d8e7f"


@pytest.mark.parametrize("backend", [Pepipost, NetcoreSms], ids=lambda b: b.slug)
def test_no_depth_of_nesting_breaks_a_call(backend):
    refused = 0

    for depth in range(100, 1100, 3):
        body = '{"EVENT": "sent", "reqid": 1, "x": ' + "[" * depth + "]" * depth + "}"
        try:
            backend(make_config()).parse_webhook(posted(body.encode()))
        except InvalidWebhook:
            refused += 1

    assert refused


@pytest.mark.parametrize(
    "value",
    [
        1700000000,
        1700000000.0,
        "1700000000",
        1700000000000,
        "2023-11-14T22:13:20Z",
        "2023-11-14 22:13:20",
        "2023-11-15T03:43:20+05:30",
    ],
)
def test_moment_is_read_in_every_usual_form(value):
    assert moment_of(value) == AT


@pytest.mark.parametrize("value", [None, "", "soon", [], True, 0, -1, 10**30, "nan", "9" * 5000])
def test_what_is_no_moment_is_the_present(value):
    before = datetime.datetime.now(datetime.UTC)

    assert before <= moment_of(value) <= datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\0b\r\nc", "a b c"),
        (" \ud800 ", ""),
        (12, "12"),
        (True, ""),
        (None, ""),
        (["a"], ""),
        ("x" * 5000, "x" * 2000),
    ],
)
def test_text_is_one_bounded_line(value, text):
    assert text_of(value) == text


def test_number_too_long_to_write_is_no_text():
    assert text_of(10**5000) == ""


@pytest.mark.parametrize("value", [KEY, KEY.upper(), f'{{"key": "{KEY}"}}', f"a:{KEY}:b"])
def test_our_key_is_found_whatever_is_around_it(value):
    assert key_in(value) == KEY


def test_other_words_are_no_key():
    assert key_in("UNIQUEID") == key_in(12) == key_in(None) == ""
