"""How many parts a campaign's SMS take, as the pre-flight estimates it."""

from __future__ import annotations

import pytest

from campaigns import sms_parts
from campaigns.models import AudienceMember
from campaigns.preflight import check
from omnichannel.choices import ChannelType
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db


def make_sms_campaign(people, text="{{ name }}", **version):
    template = make_template(channel_type=ChannelType.SMS)
    make_version(template, subject="", html="", text=text, **version)
    audience = make_people([])
    AudienceMember.objects.bulk_create(
        AudienceMember(
            audience=audience,
            key=f"{number}",
            phone=f"+1202555{number:04}",
            variables={"name": name},
        )
        for number, name in enumerate(people)
    )
    audience.columns = ["name"]
    audience.save()
    return make_campaign(
        channel_type=ChannelType.SMS,
        template=template,
        audience=audience,
        provider=make_provider(channel_type=ChannelType.SMS),
    )


def test_parts_are_counted_as_each_record_makes_them():
    found = check(make_sms_campaign(["a", "b" * 161, "ț" * 71, "d"]), NOW)

    assert (found.parts.records, found.parts.parts, found.all_parts) == (4, 6, 6)
    assert (found.parts.each, found.parts.most, found.parts.unicode) == (1.5, 2, 1)


def test_of_a_large_audience_few_records_are_read_from_all_over_it(django_assert_max_num_queries):
    campaign = make_sms_campaign(["a"] * 500 + ["b" * 200] * 500)
    version = campaign.template.published_version

    with django_assert_max_num_queries(10):
        parts = sms_parts.look(campaign.audience, version)

    assert (parts.records, parts.each) == (200, 1.5)
    assert parts.of(1_000_000) == 1_500_000


def test_a_small_audience_is_looked_at_once():
    campaign = make_sms_campaign(["a", "b", "c"])

    parts = sms_parts.look(campaign.audience, campaign.template.published_version)

    assert (parts.records, parts.parts) == (3, 3)


def test_short_links_are_counted_as_short(settings):
    settings.PUBLIC_URL = "https://s.example.com"
    text = "https://shop.example.com/" + "x" * 200

    long = check(make_sms_campaign(["a"], text), NOW)
    short = check(make_sms_campaign(["a"], text, url_shorten=True), NOW)

    assert (long.all_parts, short.all_parts) == (2, 1)


def test_records_that_deviate_from_the_registered_text_are_warned_of():
    campaign = make_sms_campaign(["Ana", "B" * 31, "Cy"], "Hi {{ name }}!", dlt_text="Hi {#var#}!")

    found = check(campaign, NOW)

    [warning] = [text for text in found.warnings if "DLT" in text]
    assert warning.startswith("1 of 3 records looked at would fail. It deviates from")


def test_records_that_cannot_be_filled_are_left_out():
    campaign = make_sms_campaign(["Ana", "Bo"])
    AudienceMember.objects.filter(key="1").update(variables={})

    assert check(campaign, NOW).parts.records == 1


def test_an_empty_audience_and_a_mail_have_none():
    empty = check(make_sms_campaign([]), NOW)

    assert (empty.parts.records, empty.parts.each, empty.all_parts) == (0, 0, 0)
    assert check(make_campaign(), NOW).parts is None
