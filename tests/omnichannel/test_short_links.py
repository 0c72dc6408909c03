"""Short links of an SMS: made as it is sent, and followed by rendering it again."""

from __future__ import annotations

import datetime
import re

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from omnichannel import erasing, outgoing, short_links
from omnichannel.choices import ChannelType
from omnichannel.claimed import Loader
from omnichannel.hits import MOST
from omnichannel.models import Message, TemplateVersion
from omnichannel.people import Address
from tests.factories import make_message, make_provider
from tests.factories_templates import make_template, make_version
from tests.omnichannel.test_tracking_views import PERSON

MOST_ID, MOST_NUMBER = 2**33 - 1, 8
TEXT = "Hi {{ name }}: https://shop.example.com/?who={{ name }}&a=1. Or {{ url }}"


def make_sms(text: str = TEXT, category: str = "transactional", **version) -> Message:
    version = make_version(
        make_template(channel_type=ChannelType.SMS),
        **{"subject": "", "html": "", "text": text, "url_shorten": True, **version},
    )
    return make_message(
        provider=make_provider(channel_type=ChannelType.SMS),
        to_address="+12025550143",
        subject="",
        body_text="",
        category=category,
        status="sent",
        last_attempt_at=timezone.now() - datetime.timedelta(minutes=5),
        template_version=version,
        variables={"name": "Ana", "url": "http://own.example.com/a_(b)?c=1&amp;d"},
    )


def sent_text(message: Message) -> str:
    [claimed] = Loader(message.provider).load([message.pk])
    return outgoing.outgoing(claimed, outgoing.config_of(message.provider)).text


def paths_in(text: str) -> list[str]:
    return re.findall(r"/s/[0-9A-Za-z]+", text)


@pytest.fixture(autouse=True)
def public(settings):
    settings.PUBLIC_URL = "https://s.example.com"


@pytest.fixture
def person(client):
    client.defaults["HTTP_USER_AGENT"] = PERSON
    return client


@given(message=st.integers(0, MOST_ID), number=st.integers(1, MOST_NUMBER))
def test_a_token_names_its_message_and_link_in_twelve_letters(message, number):
    token = short_links.token(message, number)

    assert re.fullmatch("[0-9A-Za-z]{12}", token)
    assert short_links.read(token) == (message, number)


@given(text=st.one_of(st.text(max_size=14), st.from_regex("[0-9A-Za-z]{12}", fullmatch=True)))
def test_no_other_text_is_a_token(text):
    assert short_links.read(text) is None


def test_a_token_with_any_letter_changed_names_nothing():
    token = short_links.token(7, 3)

    changed = {
        token[:at] + letter + token[at + 1 :]
        for at in range(len(token))
        for letter in short_links.LETTERS
        if letter != token[at]
    }

    assert {short_links.read(text) for text in changed} == {None}


def test_a_token_of_an_old_key_counts_while_the_key_is_named(settings):
    token = short_links.token(7, 1)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key"
    while_named = short_links.read(token)
    settings.SECRET_KEY_FALLBACKS = []

    assert while_named == (7, 1)
    assert short_links.read(token) is None


@pytest.mark.django_db
def test_links_are_short_and_lead_to_what_stood_there(person):
    message = make_sms()

    text = sent_text(message)
    first, second = (person.get(path) for path in paths_in(text))

    assert re.fullmatch(
        r"Hi Ana: https://s\.example\.com/s/\w{12}\. Or https://s\.example\.com/s/\w{12}", text
    )
    assert (first.status_code, first["Location"]) == (302, "https://shop.example.com/?who=Ana&a=1")
    assert second["Location"] == "http://own.example.com/a_(b)?c=1&amp;d"
    assert "no-store" in first["Cache-Control"]
    found = message.events.order_by("id").values_list("type", "url", "code", "is_machine")
    assert list(found) == [
        ("clicked", "https://shop.example.com/?who=Ana&a=1", "1", False),
        ("clicked", "http://own.example.com/a_(b)?c=1&amp;d", "2", False),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("(https://a.example/b)", "(#)"),
        ("See https://a.example/b, or HTTPS://A.example.", "See #, or #."),
        ("“https://a.example/b”…", "“#”…"),
        ("Link:https://a.example/(b)", "Link:#"),
        (
            "ftp://a.example javascript:alert(1) tel:+1",
            "ftp://a.example javascript:alert(1) tel:+1",
        ),
        ("xhttps://a.example www.a.example", "xhttps://a.example www.a.example"),
        ("https:// https://[x", "https:// https://[x"),
        ("https://a.example\\@evil.example", "https://a.example\\@evil.example"),
    ],
)
def test_web_addresses_only_become_short(text, left):
    sent = sent_text(make_sms(text))

    assert re.sub(r"https://s\.example\.com/s/\w{12}", "#", sent) == left


@pytest.mark.django_db
def test_our_own_pages_are_left_as_they_are(person):
    message = make_sms("Stop: {{ system.unsubscribe_url }} Go: https://a.example/")

    text = sent_text(message)

    assert "Stop: https://s.example.com/u/" in text
    [path] = paths_in(text)
    assert person.get(path)["Location"] == "https://a.example/"


@pytest.mark.django_db
def test_more_links_than_a_token_can_number_stay_long():
    text = sent_text(make_sms(" ".join(f"https://a.example/{n}" for n in range(1, 11))))

    assert len(paths_in(text)) == MOST_NUMBER
    assert text.endswith("https://a.example/9 https://a.example/10")


@pytest.mark.django_db
@pytest.mark.parametrize("values", [{"url_shorten": False}, {"category": "otp"}])
def test_links_stay_where_they_are_not_to_be_followed(person, values):
    message = make_sms(**values)

    answer = person.get(f"/s/{short_links.token(message.pk, 1)}")

    assert "https://shop.example.com/?who=Ana" in sent_text(message)
    assert answer.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["purge", "erase"])
def test_a_message_that_is_gone_leads_to_a_friendly_page(person, end):
    message = make_sms("https://a.example/")
    [path] = paths_in(sent_text(message))
    if end == "purge":
        message.delete()
    else:
        address = Address(ChannelType.SMS, "+12025550143", "+12025550143")
        erasing.erase(address, keep_barred=False, at=timezone.now())

    answer = person.get(path)

    assert answer.status_code == 404
    assert b"link" in answer.content


@pytest.mark.django_db
def test_a_forged_or_missing_link_asks_nothing_of_the_database(person, django_assert_num_queries):
    with django_assert_num_queries(0):
        answers = [person.get(f"/s/{text}") for text in ("x" * 12, "x", "%00" * 12, "é" * 12)]

    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.django_db
def test_a_link_that_the_message_does_not_have_leads_nowhere(person):
    message = make_sms("https://a.example/")

    assert person.get(f"/s/{short_links.token(message.pk, 2)}").status_code == 404
    assert not message.events.exists()


@pytest.mark.django_db
def test_head_counts_nothing_and_other_methods_are_refused(person):
    message = make_sms("https://a.example/")
    [path] = paths_in(sent_text(message))

    assert person.head(path).status_code == 302
    assert person.post(path).status_code == 405
    assert not message.events.exists()


@pytest.mark.django_db
def test_a_program_in_a_loop_cannot_fill_the_table(person):
    message = make_sms("https://a.example/")
    [path] = paths_in(sent_text(message))

    answers = {person.get(path).status_code for _ in range(MOST + 3)}

    assert answers == {302}
    assert message.events.count() == MOST


@pytest.mark.django_db
def test_a_preview_is_as_long_as_what_is_sent():
    message = make_sms("Go: https://a.example/ or https://b.example/.")

    sample = short_links.sample(
        message.template_version, "Go: https://a.example/ or https://b.example/."
    )

    assert len(sample) == len(sent_text(message))
    assert {short_links.read(path[3:]) for path in paths_in(sample)} == {None}


def test_a_text_made_of_links_and_brackets_is_split_in_one_pass():
    brackets = "https://a.example/" + ")" * 2_000_000

    assert short_links.sample(TemplateVersion(url_shorten=True), brackets) == brackets


def test_what_others_look_at_has_a_link_to_nowhere_in_place_of_ours():
    ours, other = short_links.token(7, 2), "A" * short_links.LENGTH
    text = f"Go to http://127.0.0.1/s/{ours} or http://127.0.0.1/s/{other}"

    shown = short_links.harmless(text)

    assert shown == f"Go to http://127.0.0.1/s/{short_links.SAMPLE} or http://127.0.0.1/s/{other}"
