"""The pixel and the counted links, as recipients' programs ask for them."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from omnichannel import links, outgoing
from omnichannel.claimed import Loader
from omnichannel.hits import MOST
from omnichannel.models import Message, MessageEvent
from tests.factories import make_message, make_provider
from tests.factories_templates import make_version

pytestmark = pytest.mark.django_db
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0"
HTML = (
    '<a href="https://shop.example.com/?who={{ name|urlencode }}&amp;a=1">shop</a>'
    '<a href="{{ url }}">yours</a><a href="mailto:a@example.com">us</a>'
    '<a href="https://shop.example.com/all">all</a>'
)


def make_sent(**values) -> Message:
    """A message that was handed over a while ago."""
    before = timezone.now() - datetime.timedelta(minutes=5)
    values = {"status": "sent", "last_attempt_at": before, **values}
    return make_message(**values)


def make_templated(html: str = HTML, **values) -> Message:
    return make_sent(template_version=make_version(html=html), **values)


@pytest.fixture
def person(client):
    client.defaults["HTTP_USER_AGENT"] = PERSON
    return client


def click_path(message: Message, number: object = 1, version: int | None = None) -> str:
    version = message.template_version_id or 0 if version is None else version
    return f"/t/c/{links.token(links.CLICK, message.pk, version)}/{number}"


def open_path(message: Message) -> str:
    return f"/t/o/{links.token(links.OPEN, message.pk)}.gif"


def test_the_pixel_is_an_image_and_its_fetch_an_event(person):
    message = make_sent()

    answer = person.get(open_path(message))

    event = message.events.get()
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert "no-store" in answer["Cache-Control"]
    assert (event.type, event.status, event.is_machine) == ("opened", "delivered", False)
    assert not answer.cookies


def test_a_click_leads_on_and_is_an_event_with_url_and_number(person):
    message = make_templated(variables={"name": "Ana Ü&x", "url": "https://own.example.com/a?b=1"})

    first = person.get(click_path(message, 1))
    second = person.get(click_path(message, 2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == "https://shop.example.com/?who=Ana%20%C3%9C%26x&a=1"
    assert second["Location"] == "https://own.example.com/a?b=1"
    found = message.events.order_by("id").values_list("type", "url", "code", "is_machine")
    assert list(found) == [
        ("clicked", "https://shop.example.com/?who=Ana%20%C3%9C%26x&a=1", "1", False),
        ("clicked", "https://own.example.com/a?b=1", "2", False),
    ]
    assert not first.cookies


def test_what_is_sent_leads_to_the_views(person):
    provider = make_provider(open_setting=True, click_setting=True)
    message = make_templated(provider=provider, variables={"name": "A", "url": "https://b.example"})

    [claimed] = Loader(provider).load([message.pk])
    sent = outgoing.outgoing(claimed, outgoing.config_of(provider))
    base = links.public_url()
    paths = [piece.partition('"')[0] for piece in sent.html.split(base)[1:]]
    answers = [person.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [302, 302, 302, 200]
    assert answers[2]["Location"] == "https://shop.example.com/all"
    assert sorted(message.events.values_list("code", flat=True)) == ["", "1", "2", "4"]
    assert sent.html == "".join(sent.html_pieces)


def test_a_message_without_a_template_counts_its_own_links(person):
    provider = make_provider(open_setting=True, click_setting=True)
    body = '<p>{{ no template }}</p><a href="https://one.example.com/{{ x }}">1</a>'
    message = make_sent(provider=provider, body_html=body)

    [claimed] = Loader(provider).load([message.pk])
    sent = outgoing.outgoing(claimed, outgoing.config_of(provider))
    answer = person.get(click_path(message))

    assert f'<a href="{links.public_url()}{click_path(message)}">1</a>' in sent.html
    assert open_path(message) in sent.html
    assert answer["Location"] == "https://one.example.com/%7B%7B%20x%20%7D%7D"


def test_head_is_answered_and_counted_as_nothing(person):
    message = make_templated("<a href='https://shop.example.com/'>shop</a>")

    pixel, link = person.head(open_path(message)), person.head(click_path(message))

    assert (pixel.status_code, link.status_code) == (200, 302)
    assert not message.events.exists()


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_any_other_method_is_refused(person, method):
    message = make_templated()

    for path in (open_path(message), click_path(message)):
        assert getattr(person, method)(path).status_code == 405
    assert not message.events.exists()


@pytest.mark.parametrize(
    "number", ["0", "3", "5", "-1", "x", "9" * 7, "9" * 5000, "²", "1.0", "%0d"]
)
def test_a_link_that_the_message_has_not_is_a_plain_page(person, number):
    message = make_templated(variables={"name": "A", "url": "https://b.example"})

    answer = person.get(click_path(message, number))

    assert answer.status_code == 404
    assert b"This link leads nowhere" in answer.content
    assert not message.events.exists()


def test_a_forged_token_is_a_plain_page_and_no_event(person):
    message = make_templated()
    good = links.token(links.CLICK, message.pk, message.template_version_id)
    of_open = links.token(links.OPEN, message.pk)
    of_unsubscribe = links.token(links.UNSUBSCRIBE, message.pk)

    for token in ("A" * 32, good[:-1] + "_", good.lower(), of_open, of_unsubscribe, "x", "é"):
        answer = person.get(f"/t/c/{token}/1")
        assert (answer.status_code, "Location" in answer) == (404, False)
    for token in ("A" * 24, good, of_unsubscribe, "x"):
        assert person.get(f"/t/o/{token}.gif").status_code == 200
    assert not MessageEvent.objects.exists()


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "https://a.example/\r\nSet-Cookie: a=b", "",
     "//evil.example", "file:///etc/passwd", "https://", "java\tscript:x", None, ["x"], {"a": 1}],
)  # fmt: skip
def test_a_variable_that_is_no_web_address_leads_nowhere(person, url):
    message = make_templated('<a href="{{ url }}">yours</a>', variables={"url": url})

    answer = person.get(click_path(message))

    assert (answer.status_code, "Location" in answer) == (404, False)
    assert not message.events.exists()


def test_a_variable_that_is_missing_leads_nowhere(person):
    message = make_templated('<a href="{{ url }}">yours</a>', variables={})

    assert person.get(click_path(message)).status_code == 404


def test_no_address_can_be_handed_in(person):
    message = make_templated('<a href="https://shop.example.com/">shop</a>')

    answer = person.get(click_path(message) + "?url=https://evil.example&next=//evil.example")

    assert answer["Location"] == "https://shop.example.com/"


def test_a_program_in_a_loop_cannot_fill_the_table(person):
    message = make_templated('<a href="https://shop.example.com/">shop</a>')

    answers = {person.get(click_path(message)).status_code for _ in range(MOST + 5)}
    person.get(open_path(message))

    assert answers == {302}
    assert message.events.filter(type="clicked").count() == MOST
    assert message.events.filter(type="opened").count() == 1


def test_a_machine_is_told_from_a_person(client):
    message = make_sent()

    client.get(open_path(message), headers={"User-Agent": "Mozilla/5.0"})
    client.get(open_path(message))

    events = message.events.order_by("id")
    assert [event.is_machine for event in events] == [True, True]
    assert events[0].description == "By a machine: Apple Mail's proxy."


def test_an_open_right_after_the_hand_over_is_a_machines(person):
    message = make_sent(last_attempt_at=timezone.now())

    person.get(open_path(message))

    assert message.events.get().is_machine


def test_the_links_of_a_deleted_message_still_lead_on_if_they_are_the_same_for_all(person):
    message = make_templated()
    alike, own = click_path(message, 4), click_path(message, 1)
    message.delete()

    assert person.get(alike)["Location"] == "https://shop.example.com/all"
    assert person.get(own).status_code == 404
    assert not MessageEvent.objects.exists()


@pytest.mark.parametrize("backend", ["sendgrid", "pepipost", "anymail-mailgun"])
def test_a_provider_that_counts_itself_gets_the_content_untouched(backend):
    provider = make_provider(backend=backend, open_setting=True, click_setting=True)
    message = make_templated(provider=provider, variables={"name": "A", "url": "https://b.example"})
    config = outgoing.config_of(provider)

    [claimed] = Loader(provider).load([message.pk])
    sent = outgoing.outgoing(claimed, config)

    assert (config.track_opens, config.track_clicks) == (True, True)
    assert "/t/" not in sent.html


@pytest.mark.parametrize("backend", ["smtp", "sandbox", "anymail-scaleway"])
@pytest.mark.parametrize(("opens", "clicks"), [(False, False), (True, False), (False, True)])
def test_the_settings_switch_each_by_itself(backend, opens, clicks):
    provider = make_provider(backend=backend, open_setting=opens, click_setting=clicks)
    message = make_templated(provider=provider, variables={"name": "A", "url": "https://b.example"})

    [claimed] = Loader(provider).load([message.pk])
    sent = outgoing.outgoing(claimed, outgoing.config_of(provider))

    assert ("/t/o/" in sent.html, "/t/c/" in sent.html) == (opens, clicks)


def test_a_one_time_password_is_never_followed():
    provider = make_provider(open_setting=True, click_setting=True)
    message = make_templated(
        provider=provider, category="otp", variables={"name": "A", "url": "https://b.example"}
    )

    [claimed] = Loader(provider).load([message.pk])
    sent = outgoing.outgoing(claimed, outgoing.config_of(provider))

    assert "/t/" not in sent.html
    assert sent.headers == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [("sent", "delivered"), ("uncertain", "delivered"), ("failed", "failed"), ("new", "new")],
)
def test_what_is_opened_has_arrived(person, before, after):
    message = make_sent(status=before, error_message="No answer came.")

    person.get(open_path(message))

    message.refresh_from_db()
    assert message.status == after
    assert (message.error_message == "") == (after == "delivered")
