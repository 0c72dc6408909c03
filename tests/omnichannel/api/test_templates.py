from __future__ import annotations

import pytest

from omnichannel.models import Label, Message, MessageTemplate, ProviderRoute, TemplateVersion
from omnichannel.originals import ensure
from tests.factories import make_message, make_provider
from tests.factories_api import caller
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/templates/"
CONTENT = {"subject": "Hi {{ name }}", "html": "<p>Hi {{ name }}</p>\n"}
WELCOME = {"name": "Welcome", "sample_variables": {"name": "Ann"}, "content": CONTENT}


@pytest.fixture
def client():
    return caller("content")


@pytest.fixture
def welcome(client):
    answer = client.post(ROUTE, WELCOME)
    assert answer.status_code == 201, answer.content
    return MessageTemplate.objects.get(pk=answer.data["id"])


def at(template, *parts):
    return "/".join((f"{ROUTE}{template.pk}", *parts, ""))


def errors_of(answer):
    assert answer.status_code == 400, answer.content
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_template_is_created_with_its_content_published(client):
    tag = Label.objects.create(name="Sale")

    answer = client.post(ROUTE, {**WELCOME, "tags": [tag.pk], "category": "promotional"})

    assert answer.status_code == 201, answer.content
    assert (answer.data["version"], answer.data["tags"]) == (1, [tag.pk])
    assert answer.data["content"]["html"] == CONTENT["html"]
    assert answer.data["content"]["variables"] == ["name"]
    version = TemplateVersion.objects.get()
    assert (version.number, version.subject, version.created_by) == (1, "Hi {{ name }}", None)


def test_other_content_is_the_next_version_and_the_same_is_none(client, welcome):
    same = client.patch(at(welcome), {"content": CONTENT})
    other = client.patch(at(welcome), {"content": {**CONTENT, "subject": "Hello {{ name }}"}})
    renamed = client.patch(at(welcome), {"name": "Hello"})

    assert [each.data["version"] for each in (same, other, renamed)] == [1, 2, 2]
    assert other.data["content"]["subject"] == "Hello {{ name }}"
    versions = client.get(at(welcome, "versions")).data["results"]
    assert [row["number"] for row in versions] == [2, 1]
    assert client.get(at(welcome, "versions", "1")).data["subject"] == "Hi {{ name }}"
    assert client.get(at(welcome, "versions", "3")).status_code == 404
    assert client.delete(at(welcome, "versions", "1")).status_code == 405
    assert welcome.history.first().history_change_reason == f"API key {client.key}"


def test_fault_in_a_text_is_told_with_its_field_and_line(client, welcome):
    answer = client.patch(at(welcome), {"content": {**CONTENT, "html": "<p>\n{{ name"}})

    told = errors_of(answer)["content.html"]
    assert "line 2" in told
    assert welcome.versions.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"content": {**CONTENT, "html": "{{ surname }}"}}, "content.html"),
        ({"content": {**CONTENT, "html": "{{ ''.__class__ }}"}}, "content.html"),
        ({"content": {"subject": "Hi"}}, "content.html"),
        ({"content": {"html": "Hi"}}, "content.subject"),
        ({"content": {**CONTENT, "subject": "a\r\nBcc: b"}}, "content.subject"),
        ({"content": {**CONTENT, "reply_to": "nobody"}}, "content.reply_to"),
        ({"content": {**CONTENT, "dlt_header": "ABC"}}, "content.dlt_header"),
        ({"content": {**CONTENT, "static_cc": "nobody"}}, "content.static_cc"),
        ({"content": {**CONTENT, "headers": {"Bcc": "a@example.com"}}}, "content.headers"),
        ({"content": {**CONTENT, "translations": [{"language": "?"}]}}, "content.translations"),
        ({"content": "Hi"}, "content"),
        ({"content": None}, "content"),
        ({"sample_variables": {}}, "content.subject"),
        ({"sample_variables": []}, "sample_variables"),
        ({"sample_variables": {"name": "a" * 100_001}}, "sample_variables"),
        ({"channel_type": "sms"}, "channel_type"),
        ({"channel_type": "push"}, "channel_type"),
        ({"tags": [999]}, "tags"),
        ({"name": "Taken"}, "name"),
    ],
)
def test_what_the_studio_refuses_is_refused(client, welcome, values, field):
    make_template(name="Taken")

    assert field in errors_of(client.patch(at(welcome), values))
    assert client.get(at(welcome)).data["version"] == 1


def test_content_is_needed_at_first(client):
    assert errors_of(client.post(ROUTE, {"name": "Empty"})) == {
        "content": "This field is required."
    }
    assert not MessageTemplate.objects.exists()


def test_sms_template_has_no_html(client):
    values = {"name": "Code", "channel_type": "sms"}

    refused = client.post(ROUTE, {**values, "content": CONTENT})
    answer = client.post(ROUTE, {**values, "content": {"text": "Your code", "url_shorten": True}})

    assert "content.subject" in errors_of(refused)
    assert (answer.status_code, answer.data["content"]["text"]) == (201, "Your code")
    size = client.post(f"{ROUTE}{answer.data['id']}/preview/").data["size"]
    assert (size["encoding"], size["parts"]) == ("GSM-7", 1)


def test_languages_are_given_and_previewed(client, welcome):
    further = [{"language": "PT_br", "subject": "Oi {{ name }}", "html": "<p>Oi</p>"}]

    answer = client.patch(at(welcome), {"content": {**CONTENT, "translations": further}})

    assert answer.data["languages"] == ["pt-BR"]
    assert answer.data["content"]["translations"][0]["subject"] == "Oi {{ name }}"
    shown = client.post(at(welcome, "preview"), {"language": "pt-BR"}).data
    assert (shown["language"], shown["subject"]) == ("pt-BR", "Oi Ann")
    sampled = client.patch(at(welcome), {"sample_variables": {"name": "Bob"}}).data
    assert (sampled["version"], sampled["languages"]) == (2, ["pt-BR"])


def test_preview_takes_the_given_variables(client, welcome):
    sample = client.post(at(welcome, "preview"))
    given = client.post(at(welcome, "preview"), {"variables": {"name": "<Bob>"}, "version": 1})
    missing = client.post(at(welcome, "preview"), {"variables": {}})

    assert (sample.data["subject"], sample.data["size"]) == ("Hi Ann", None)
    assert "&lt;Bob&gt;" in given.data["html"]
    assert missing.status_code == 422
    assert "name" in missing.json()["detail"]
    assert client.post(at(welcome, "preview"), {"version": 9}).status_code == 404


def test_preview_of_a_template_without_a_version_is_a_conflict(client):
    assert client.post(at(make_template(), "preview")).status_code == 409


def test_earlier_version_is_published_again(client, welcome):
    client.patch(at(welcome), {"content": {**CONTENT, "subject": "Hello"}})

    answer = client.post(at(welcome, "roll-back"), {"version": 1})

    assert (answer.data["version"], answer.data["content"]["subject"]) == (3, "Hi {{ name }}")
    assert client.post(at(welcome, "roll-back"), {"version": 9}).status_code == 404
    assert client.post(at(welcome, "roll-back"), {}).status_code == 400


def test_originals_are_cloned_and_never_changed(client):
    ensure()
    original = MessageTemplate.objects.exclude(system_key="").first()

    assert client.get(at(original)).data["is_system"] is True
    assert client.patch(at(original), {"description": "x"}).status_code == 409
    assert client.delete(at(original)).status_code == 409
    assert client.post(at(original, "roll-back"), {"version": 1}).status_code == 409
    made = client.post(at(original, "clone"), {"name": "Mine"})
    assert (made.status_code, made.data["name"], made.data["is_system"]) == (201, "Mine", False)
    assert "name" in errors_of(client.post(at(original, "clone"), {"name": "Mine"}))
    assert client.post(at(original, "clone")).status_code == 201
    assert client.get(f"{ROUTE}?is_system=false").data["count"] == 2


def test_template_that_was_sent_is_not_deleted(client, welcome):
    make_message(template_version=welcome.published_version)

    assert client.delete(at(welcome)).status_code == 409
    other = make_version().template
    assert client.delete(at(other)).status_code == 204


def test_test_send_goes_through_the_queue(welcome):
    provider = make_provider()
    ProviderRoute.objects.create(channel_type="email", category="transactional", provider=provider)
    sender = caller("send")

    answer = sender.post(at(welcome, "test-send"), {"address": "ann@example.com"})

    assert (answer.status_code, answer.data["good"]) == (200, True), answer.content
    message = Message.objects.get()
    assert answer.data["message"] == message.pk
    assert (message.to_address, message.variables["name"]) == ("ann@example.com", "Ann")
    named = {"address": "ann@example.com", "variables": {"name": "Bob"}, "provider": provider.pk}
    sender.post(at(welcome, "test-send"), named)
    assert Message.objects.latest("id").variables["name"] == "Bob"


def test_test_send_repeated_with_its_key_is_one_message(welcome):
    make_provider()
    sender = caller("send", is_test=True)
    ask = {"address": "ann@example.com"}

    first, again = (
        sender.post(at(welcome, "test-send"), ask, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)
    )

    assert first.json() == again.json()
    assert Message.objects.count() == 1


def test_test_keys_reach_the_sandbox_only(welcome):
    smtp, sandbox = make_provider(backend="smtp"), make_provider()
    sender = caller("send", is_test=True)

    sender.post(at(welcome, "test-send"), {"address": "ann@example.com", "provider": smtp.pk})

    assert Message.objects.get().provider == sandbox
    type(sandbox).objects.filter(pk=sandbox.pk).update(is_active=False)
    refused = sender.post(at(welcome, "test-send"), {"address": "ann@example.com"})
    assert refused.status_code == 409


def test_test_send_names_what_is_wrong(welcome):
    sender, sms = caller("send"), make_provider(channel_type="sms")

    assert "address" in errors_of(sender.post(at(welcome, "test-send"), {"address": "nobody"}))
    wrong = {"address": "ann@example.com", "provider": sms.pk}
    assert "provider" in errors_of(sender.post(at(welcome, "test-send"), wrong))
    nobody = sender.post(at(welcome, "test-send"), {"address": "ann@example.com"})
    assert (nobody.status_code, nobody.data["good"]) == (200, False)
    assert not Message.objects.exists()


def test_sending_needs_its_own_scope(client, welcome):
    assert client.post(at(welcome, "test-send"), {}).status_code == 403
    assert caller("send").patch(at(welcome), {"name": "x"}).status_code == 403


def test_list_is_filtered_and_asks_no_more_of_many(client, django_assert_max_num_queries):
    tag = Label.objects.create(name="Sale")
    for number in range(4):
        make_version(make_template(name=f"T{number}")).template.tags.add(tag)
    make_template(name="Code", channel_type="sms", category="otp")

    def count(query):
        return client.get(f"{ROUTE}?{query}").data["count"]

    assert (count(f"tags={tag.pk}"), count("channel_type=sms"), count("category=otp")) == (4, 1, 1)
    assert (count("search=T1"), count("name=Code")) == (1, 1)
    assert client.get(f"{ROUTE}?ordering=-name").data["results"][0]["name"] == "T3"
    assert "content" not in client.get(ROUTE).data["results"][0]
    with django_assert_max_num_queries(5):
        client.get(ROUTE)
    template = MessageTemplate.objects.first()
    with django_assert_max_num_queries(4):
        client.get(at(template, "versions"))


def test_mjml_is_taken(client):
    inner = "<mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section>"
    mjml = f"<mjml><mj-body>{inner}</mj-body></mjml>"
    content = {"subject": "Hi", "html": mjml, "source_kind": "mjml"}

    answer = client.post(ROUTE, {"name": "M", "content": content})

    assert answer.status_code == 201, answer.content
    shown = client.post(f"{ROUTE}{answer.data['id']}/preview/").data["html"]
    assert "Hi" in shown
    assert "mj-text" not in shown
    sms = {"name": "S", "channel_type": "sms", "content": {"text": "a", "source_kind": "mjml"}}
    assert "content.source_kind" in errors_of(client.post(ROUTE, sms))
