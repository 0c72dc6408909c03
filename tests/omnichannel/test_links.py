"""Tokens: nobody else can make one, and one made for a purpose is good for that only."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel import links
from omnichannel.links import CLICK, OPEN, UNSUBSCRIBE
from tests.factories import make_message

IDS = st.integers(0, 2**48 - 1)


@given(message=IDS, version=IDS)
def test_a_token_names_its_message_and_version(message, version):
    assert links.read(OPEN, links.token(OPEN, message)) == (message, 0)
    assert links.read(CLICK, links.token(CLICK, message, version)) == (message, version)


@given(text=st.text(max_size=40))
def test_no_other_text_is_a_token(text):
    for purpose in links.IDS:
        assert links.read(purpose, text) is None


@pytest.mark.parametrize(("made", "read"), [*itertools.permutations([OPEN, UNSUBSCRIBE, CLICK], 2)])
def test_a_token_for_one_purpose_is_none_for_another(made, read):
    token = links.token(made, 7, 3) if made == CLICK else links.token(made, 7)

    assert links.read(read, token) is None


def test_a_token_with_any_letter_changed_names_nothing():
    token = links.token(UNSUBSCRIBE, 7)

    changed = {
        token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        for at in range(len(token))
    }

    assert [links.read(UNSUBSCRIBE, text) for text in changed] == [None] * len(token)


def test_a_token_of_an_old_key_counts_while_the_key_is_named(settings):
    token = links.token(OPEN, 7)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key"
    while_named = links.read(OPEN, token)
    settings.SECRET_KEY_FALLBACKS = []

    assert while_named == (7, 0)
    assert links.read(OPEN, token) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("studio.example.com", "http://studio.example.com:8000"),
    ],
)
def test_without_a_public_url_links_lead_to_this_machine(settings, host, url):
    settings.PUBLIC_URL, settings.HOST, settings.PORT = "", host, 8000

    assert links.public_url() == url


def test_links_of_a_test_send_lead_to_the_page_that_changes_nothing(db):
    message = make_message(variables={"first_name": "Ana", **links.TEST_SEND})

    found = links.system_links(message)

    assert found["unsubscribe_url"].endswith("/u/preview/")
    assert found["preferences_url"].endswith("/u/preview/preferences/")


def test_a_column_named_system_makes_no_test_send(db):
    message = make_message(variables={"system": "is_test_send"})

    url = links.system_links(message)["unsubscribe_url"]

    assert links.read(UNSUBSCRIBE, url.split("/")[-2]) == (message.pk, 0)


def test_what_others_look_at_has_harmless_links_in_place_of_ours():
    click = links.click_url(links.token(CLICK, 7, 3))
    text = (
        f'<a href="{links.unsubscribe_url(7)}preferences/">a</a> <a href="{click}2">b</a> '
        f'<img src="{links.open_url(links.token(OPEN, 7))}"> https://a.example/u/{"x" * 24}/'
    )
    base = links.public_url()

    assert links.harmless(text) == (
        f'<a href="{base}/u/preview/preferences/">a</a> <a href="{base}/t/c/preview/2">b</a> '
        f'<img src="{base}/t/o/preview.gif"> https://a.example/u/{"x" * 24}/'
    )
