"""What is held on a person beside their messages: shown, exported, erased."""

from __future__ import annotations

import json

import pytest

from omnichannel import erasing, people
from omnichannel.models import IdempotentReply, Message, TemplateVersion
from tests.factories import NOW, make_provider
from tests.factories_api import caller
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/messages/"
ANA = people.parse("ana@example.com")


def erase():
    return erasing.erase(ANA, keep_barred=False, at=NOW).others


def exported(name):
    return json.loads("".join(people.export(ANA, at=NOW)))[name]


def held(label):
    return erasing.plan(ANA).others[label]


def test_a_kept_reply_forgets_the_address_and_still_keeps_the_call_from_being_repeated():
    make_provider(name="Main")
    shop = caller("send")
    people_ = ["Ana@Example.com", "joana@example.com", "ana@example.community"]
    body = {
        "provider": "Main",
        "body_text": "Hello",
        "recipients": [{"to_address": address} for address in people_],
    }
    first = shop.post(ROUTE, body, headers={"Idempotency-Key": "one"})
    told = exported("kept_replies")

    before, done = held("kept reply"), erase()
    again = shop.post(ROUTE, body, headers={"Idempotency-Key": "one"})

    assert (before, done["kept reply"], held("kept reply")) == (1, 1, 0)
    assert first.status_code == again.status_code == 202
    assert [row["to_address"] for row in again.json()["messages"]] == ["erased", *people_[1:]]
    assert Message.objects.count() == 3
    assert [set(row) for row in told] == [{"route", "status", "created_at"}]


def test_a_reply_that_names_only_a_similar_address_is_left_alone():
    shop = caller("send")
    row = IdempotentReply.objects.create(
        api_key=shop.key, route="x", key="k", body_digest="", content='"joana@example.com"',
        claim="00000000-0000-0000-0000-000000000000", claimed_at=NOW, created_at=NOW,
    )  # fmt: skip

    erase()

    row.refresh_from_db()
    assert row.content == '"joana@example.com"'


def test_templates_stop_sending_copies_to_who_is_erased():
    template = make_template(name="Order")
    make_version(template, static_bcc="Ana@example.com")
    make_version(template, static_cc="desk@example.com; ana@example.com", languages=["de"])
    published = template.published_version
    published.texts.create(position=1, language="de", text="Hallo")
    told = exported("template_versions")

    done = erase()

    template.refresh_from_db()
    assert done["template version"] == 2
    assert held("template version") == 0
    assert [(row["version"], row["as"]) for row in told] == [
        (1, ["static_bcc"]),
        (2, ["static_cc"]),
    ]
    assert template.published_version.number == 3
    assert template.published_version.static_cc == "desk@example.com"
    assert [text.language for text in template.published_version.texts.all()] == ["de"]
    assert set(TemplateVersion.objects.values_list("static_cc", "static_bcc")) == {
        ("", ""),
        ("desk@example.com", ""),
    }


def test_a_template_with_a_similar_address_stays_as_it_is():
    version = make_version(static_to="joana@example.com")

    erase()

    version.refresh_from_db()
    version.template.refresh_from_db()
    assert version.static_to == "joana@example.com"
    assert version.template.published_version == version
