"""India's register: what is sent is what was registered."""

from __future__ import annotations

import re

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from omnichannel import delivery, dlt, outgoing
from omnichannel.choices import ChannelType
from omnichannel.claimed import Loader
from omnichannel.dlt import deviation_of
from omnichannel.exceptions import DltMismatch, TemplateError
from omnichannel.models import SmsTemplate, TemplateVersion
from omnichannel.publishing import publish
from tests.factories import NOW, make_message, make_provider
from tests.factories_templates import make_template, make_version

REGISTERED = "Dear {#var#}, your order {#var#} is on its way. Example"


@pytest.mark.parametrize(
    "text",
    [
        "Dear Ana, your order 17 is on its way. Example",
        "Dear , your order  is on its way. Example",
        "Dear A, your B, your order 17 is on its way. Example",
        "Dear " + "x" * 30 + ", your order " + "y" * 30 + " is on its way. Example",
        "Dear a\nb, your order 1 is on its way. Example",
    ],
)
def test_what_was_registered_is_let_through(text):
    assert deviation_of(text, REGISTERED) == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("dear Ana, your order 17 is on its way. Example", "at character 1 (“dear"),
        ("Dear Ana, my order 17 is on its way. Example", "at character 11 (“my order"),
        ("Dear Ana; your order 17 is on its way. Example", "at character 6 (“Ana; your"),
        ("Dear Ana, your order 17 is on its way. Example!", "at character 47 (“!”)"),
        ("Dear Ana, your order 17 is on its way. Exampl", "at its end, after 45 characters"),
        ("", "at its end, after 0 characters"),
        ("Dear " + "x" * 31 + ", your order 1 is on its way. Example", "at character 6 (“xxx"),
    ],
)
def test_the_first_character_that_deviates_is_named(text, place):
    assert deviation_of(text, REGISTERED).startswith(place)


def test_a_variable_at_the_end_is_bounded_too():
    assert deviation_of("Code " + "1" * 30, "Code {#var#}") == ""
    assert deviation_of("Code " + "1" * 31, "Code {#var#}").startswith("at character 36 (“1”)")
    assert deviation_of("Code " + "1" * 60, "Code {#var#}{#var#}") == ""


LETTERS = st.text(alphabet="ab", max_size=12)


@given(pieces=st.lists(LETTERS, min_size=1, max_size=5), text=st.text(alphabet="ab", max_size=80))
def test_it_agrees_with_a_regular_expression(pieces, text):
    pattern = "[^.]{0,30}".join(map(re.escape, pieces))

    assert (deviation_of(text, "{#var#}".join(pieces)) == "") == bool(re.fullmatch(pattern, text))


def test_a_hostile_text_is_looked_at_once():
    registered = "a{#var#}" * 285 + "b"  # a backtracking matcher would never end

    assert deviation_of("a" * 2_000_000, registered).startswith("at character ")


def test_nothing_of_a_secret_text_is_quoted():
    version = TemplateVersion(dlt_text=REGISTERED)

    with pytest.raises(DltMismatch) as caught:
        dlt.check_text(version, "Dear Ana, my code is 123456", is_secret=True)

    assert "code" not in str(caught.value)
    assert "at character 11: " in str(caught.value)


def make_sms(variables, provider=None, **version):
    provider = provider or make_provider(channel_type=ChannelType.SMS)
    version = make_version(
        make_template(channel_type=ChannelType.SMS),
        subject="",
        html="",
        text="Dear {{ name }}, your order {{ number }} is on its way. Example",
        dlt_text=REGISTERED,
        **version,
    )
    return make_message(
        provider=provider,
        to_address="+12025550143",
        template_version=version,
        variables=variables,
    )


@pytest.mark.django_db
def test_a_deviation_fails_the_message_before_it_is_handed_over(scripted):
    provider = make_provider(channel_type=ChannelType.SMS, backend=scripted.slug)
    good = make_sms({"name": "Ana", "number": "17"}, provider)
    bad = make_sms({"name": "Ana", "number": "17 or " + "x" * 30}, provider)

    with time_machine.travel(NOW, tick=True):
        delivery.drain()

    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.status, good.error_code) == ("sent", "")
    assert (bad.status, bad.error_code) == ("failed", "dlt_mismatch")
    assert "at character 22" in bad.error_message
    assert bad.events.get().code == "dlt_mismatch"
    assert [sent.to for sent in scripted.seen] == [good.to_address]


@pytest.mark.django_db
def test_the_registered_id_and_header_go_with_the_message():
    provider = make_provider(channel_type=ChannelType.SMS, from_address="STUDIO")
    values = {"name": "Ana", "number": "17"}
    plain = make_sms(values, provider)
    ids = {"dlt_template_id": "1107161234567890123", "dlt_header": "EXMPLE"}
    registered = make_sms(values, provider, **ids)
    config = outgoing.config_of(provider)

    loaded = Loader(provider).load([plain.pk, registered.pk])
    first, second = (outgoing.outgoing(message, config) for message in loaded)

    assert (first.from_address, first.dlt_template_id) == ("STUDIO", "")
    assert (second.from_address, second.dlt_template_id) == ("EXMPLE", "1107161234567890123")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "part", "advice"),
    [
        ({"dlt_template_id": "T-1"}, "dlt_template_id", "digits"),
        ({"dlt_header": "A B"}, "dlt_header", "letters and digits"),
        ({"dlt_text": "Dear {#name#}"}, "dlt_text", "“{#name#}” is not known"),
        ({"dlt_text": "x" * 2001}, "dlt_text", "at most 2,000"),
        ({"dlt_text": "Dear {#var#}!"}, "text", "at character 6 (“Ana, your order”)"),
    ],
)
def test_a_version_that_cannot_be_sent_is_not_published(values, part, advice):
    template = SmsTemplate.objects.create(name="Order", sample_variables={"name": "Ana"})

    with pytest.raises(TemplateError) as caught:
        publish(template, text="Dear {{ name }}, your order", **values)

    assert advice in str(caught.value)
    assert caught.value.part == part
    assert not template.versions.exists()


@pytest.mark.django_db
def test_another_registration_is_another_version():
    template = SmsTemplate.objects.create(name="Order", sample_variables={"name": "Ana"})
    values = {"text": "Dear {{ name }},\nhello", "dlt_text": "Dear {#var#},\r\nhello"}

    first = publish(template, **values)
    same = publish(template, **values)
    second = publish(template, dlt_template_id="1107161234567890123", **values)

    assert (first, same) == (same, first)
    assert (first.number, second.number) == (1, 2)
    assert second.dlt_text == "Dear {#var#},\nhello"
