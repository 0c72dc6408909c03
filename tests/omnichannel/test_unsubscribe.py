"""Unsubscribing by one click, by the page and by preferences; and back again."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from omnichannel import erasing, links, outgoing, people, preferences, rendering, suppressions
from omnichannel.claimed import Loader
from omnichannel.models import Consent, Message, MessageEvent, Suppression
from omnichannel.screening import suppressed_addresses
from omnichannel.suppressions import Word
from omnichannel.variables import ensure_read_only_set
from tests.factories import make_message, make_provider
from tests.factories_templates import make_version

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def stranger():
    """A client that checks for CSRF tokens, as a server does."""
    return Client(enforce_csrf_checks=True)


def make_promotion(**values) -> Message:
    return make_message(**{"category": "promotional", "to_address": "Ana@example.com", **values})


def path_of(message: Message) -> str:
    return f"/u/{links.token(links.UNSUBSCRIBE, message.pk)}/"


def is_barred(message: Message, category: str = "promotional") -> bool:
    again = make_message(
        to_address=message.to_address, category=category, provider=message.provider
    )
    return bool(suppressed_addresses([again]))


def test_one_click_unsubscribes_at_once_without_cookie_or_token(stranger):
    message = make_promotion()

    answer = stranger.post(path_of(message), ONE_CLICK)

    row, event = Suppression.objects.get(), message.events.get()
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert (row.address, row.category, row.reason) == (
        "ana@example.com", "promotional", "unsubscribe",
    )  # fmt: skip
    assert (row.note, row.message_id) == ("One click in the mail program", message.pk)
    assert (event.type, event.code) == ("unsubscribed", "promotional")
    assert is_barred(message)
    assert not is_barred(message, "transactional")
    assert not is_barred(message, "otp")


def test_one_click_as_a_multipart_form_counts_too(stranger):
    message = make_promotion()

    stranger.generic(
        "POST",
        path_of(message),
        b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        b"One-Click\r\n--b--\r\n",
        content_type="multipart/form-data; boundary=b",
    )

    assert is_barred(message)


def test_a_body_that_is_no_form_of_ours_is_refused(stranger):
    path = path_of(make_promotion())

    large = stranger.post(path, {**ONE_CLICK, "x": "x" * 20_000})
    broken = stranger.generic(
        "POST", path, b"--b\r\nx", content_type="multipart/form-data; boundary"
    )

    assert (large.status_code, broken.status_code) == (413, 400)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("size", ["many", "-1", "9" * 40])
def test_a_size_that_is_no_number_is_refused(stranger, size):
    answer = stranger.post(path_of(make_promotion()), ONE_CLICK, CONTENT_LENGTH=size)

    assert answer.status_code == 413


@pytest.mark.parametrize("page", ["", "preferences/"])
def test_a_database_that_is_away_is_no_crash(stranger, monkeypatch, page):
    def fail(*args, **values):
        raise DatabaseError("away")

    path = path_of(make_promotion()) + page
    monkeypatch.setattr(preferences, "_in_force", fail)

    answers = [stranger.get(path), stranger.post(path, ONE_CLICK)]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert b"try again" in answers[0].content


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(stranger, method):
    message = make_promotion()

    answers = [
        getattr(stranger, method)(path_of(message) + page) for page in ("", "preferences/")
    ] + [getattr(stranger, method)(path_of(message), ONE_CLICK)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not Suppression.objects.exists()
    assert not MessageEvent.objects.exists()


@pytest.mark.parametrize("body", [{}, {"do": "x"}, {"List-Unsubscribe": "no"}])
def test_a_post_that_asks_for_nothing_changes_nothing(stranger, body):
    message = make_promotion()

    answer = stranger.post(path_of(message), body)

    assert (answer.status_code, answer["Location"]) == (303, path_of(message))
    assert not Suppression.objects.exists()


def test_the_page_asks_unsubscribes_and_undoes(stranger):
    ensure_read_only_set()
    message = make_promotion()
    path = path_of(message)

    asked = stranger.get(path)
    done = stranger.post(path, {"do": "unsubscribe"}, follow=True)
    barred = is_barred(message)
    undone = stranger.post(path, {"do": "undo"}, follow=True)

    assert b"Unsubscribe?" in asked.content
    assert "You are unsubscribed" in done.content.decode()
    assert barred
    assert "You are subscribed again" in undone.content.decode()
    assert not is_barred(message)
    assert sorted(message.events.values_list("type", flat=True)) == ["subscribed", "unsubscribed"]


def test_saying_it_twice_is_one_event(stranger):
    message = make_promotion()

    for _ in range(3):
        stranger.post(path_of(message), ONE_CLICK)

    assert message.events.count() == 1
    assert Suppression.objects.count() == 1


def test_a_forged_or_strange_token_changes_nothing(stranger):
    message = make_promotion()
    good = links.token(links.UNSUBSCRIBE, message.pk)

    for token in ("A" * 24, good[:-1] + "-", links.token(links.OPEN, message.pk), "x", "preview1"):
        for page in ("", "preferences/"):
            assert stranger.post(f"/u/{token}/{page}", ONE_CLICK).status_code == 404
            assert stranger.get(f"/u/{token}/{page}").status_code == 404
    assert not Suppression.objects.exists()


def test_a_link_of_a_deleted_message_says_what_to_do(stranger):
    message = make_promotion()
    path = path_of(message)
    message.delete()

    answer = stranger.get(path)

    assert answer.status_code == 404
    assert b"too old" in answer.content


@pytest.mark.parametrize("page", ["", "preferences/"])
def test_a_link_of_an_erased_person_bars_nobody_and_says_what_to_do(stranger, page):
    message = make_promotion(status="delivered")
    path = path_of(message)
    erasing.erase(people.parse("ana@example.com"), keep_barred=False, at=timezone.now())

    shown = stranger.get(path + page)
    posted = stranger.post(path + page, ONE_CLICK)

    assert (shown.status_code, posted.status_code) == (404, 404)
    assert b"write to us" in posted.content
    assert not Suppression.objects.exists()
    assert not Consent.objects.exists()


def test_preferences_are_kept_category_by_category(stranger):
    message = make_promotion()
    path = path_of(message) + "preferences/"

    stranger.post(path, {"promotional": "on"})
    without_transactional = [is_barred(message, c) for c in ("promotional", "transactional")]
    stranger.post(path, {"transactional": "on"})
    without_promotional = [is_barred(message, c) for c in ("promotional", "transactional")]
    saved = stranger.post(path, {"promotional": "on", "transactional": "on"}, follow=True)

    assert without_transactional == [False, True]
    assert without_promotional == [True, False]
    assert b"Your choice is saved" in saved.content
    assert not Suppression.objects.in_force().exists()


def test_one_time_passwords_are_never_offered(stranger):
    message = make_promotion(category="otp")

    page = stranger.get(path_of(message) + "preferences/").content.decode()
    stranger.post(path_of(message) + "preferences/", {"otp": ""})
    stranger.post(path_of(message), ONE_CLICK)

    assert 'name="otp"' not in page
    assert not is_barred(message, "otp")
    assert is_barred(message, "promotional")


def test_transactional_messages_can_be_kept_out_of_it(stranger, settings):
    settings.TRANSACTIONAL_OPT_OUT = False
    message = make_promotion(category="transactional")

    page = stranger.get(path_of(message) + "preferences/").content.decode()
    stranger.post(path_of(message) + "preferences/", {"promotional": "on"})

    assert 'name="transactional"' not in page
    assert not is_barred(message, "transactional")


def test_a_word_for_everything_becomes_one_for_each_that_stays_off(stranger):
    message = make_promotion()
    suppressions.say([Word("email", message.to_address, "unsubscribe", timezone.now())])

    stranger.post(path_of(message) + "preferences/", {"transactional": "on"})

    assert is_barred(message, "promotional")
    assert not is_barred(message, "transactional")


@pytest.mark.parametrize("category", ["", "promotional"])
def test_a_bounce_or_complaint_is_not_the_recipients_to_lift(stranger, category):
    message = make_promotion()
    suppressions.say([Word("email", message.to_address, "complaint", timezone.now(), category)])

    page = stranger.get(path_of(message)).content.decode()
    stranger.post(path_of(message), {"do": "undo"})
    stranger.post(path_of(message) + "preferences/", {"promotional": "on", "transactional": "on"})

    assert "You get nothing from us" in page
    assert is_barred(message, "promotional")


def test_who_is_barred_for_another_reason_withdraws_only_once(stranger):
    message = make_promotion()
    suppressions.say([Word("email", message.to_address, "complaint", timezone.now())])

    stranger.post(path_of(message), ONE_CLICK)
    stranger.post(path_of(message), ONE_CLICK)

    assert Consent.objects.count() == message.events.count() == 1
    assert Suppression.objects.in_force().filter(reason="unsubscribe").count() == 1


def test_choosing_one_category_leaves_the_word_about_another(stranger):
    message = make_promotion()
    stranger.post(path_of(message) + "preferences/", {})
    suppressions.say(
        [Word("email", message.to_address, "complaint", timezone.now(), "promotional")]
    )

    stranger.post(path_of(message) + "preferences/", {"transactional": "on"})

    mine = Suppression.objects.in_force().filter(reason="unsubscribe")
    assert list(mine.values_list("category", flat=True)) == ["promotional"]


def test_text_messages_unsubscribe_by_the_same_url(stranger):
    provider = make_provider(channel_type="sms")
    version = make_version(html="", text="Sale! Stop: {{ system.unsubscribe_url }}")
    message = make_promotion(provider=provider, to_address="+12025550123", template_version=version)
    text = rendering.render_message(message).text

    stranger.post(text.partition(links.public_url())[2], ONE_CLICK)
    page = stranger.get(path_of(message)).content.decode()

    assert Suppression.objects.get().channel_type == "sms"
    assert is_barred(message)
    assert "text messages" in page
    assert "…123" in page
    assert "2025550" not in page


def test_pages_are_plain_closed_and_not_indexed(stranger):
    ensure_read_only_set()
    message = make_promotion()

    for path in (path_of(message), path_of(message) + "preferences/", "/u/preview/", "/u/x/"):
        answer = stranger.get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert "no-store" in answer["Cache-Control"]
        assert not answer.cookies
        assert "Ana@example.com" not in answer.content.decode()


def test_the_page_of_previews_and_test_sends_changes_nothing(stranger):
    ensure_read_only_set()

    for path in ("/u/preview/", "/u/preview/preferences/"):
        assert b"This is a preview" in stranger.get(path).content
        assert stranger.post(path, {"do": "unsubscribe", **ONE_CLICK}).status_code == 303
    assert not Suppression.objects.exists()


def test_a_hostile_company_name_is_text(stranger):
    from omnichannel.models import GlobalVariable

    GlobalVariable.objects.create(key="company_name", value="<script>x</script>")

    assert b"<script>" not in stranger.get("/u/preview/").content


@pytest.mark.parametrize(
    ("category", "channel_type", "has_them"),
    [
        ("promotional", "email", True),
        ("transactional", "email", False),
        ("otp", "email", False),
        ("promotional", "sms", False),
    ],
)
def test_only_promotional_emails_carry_the_headers(category, channel_type, has_them):
    provider = make_provider(channel_type=channel_type)
    message = make_promotion(category=category, provider=provider)

    [claimed] = Loader(provider).load([message.pk])
    headers = outgoing.outgoing(claimed, outgoing.config_of(provider)).headers

    url = f"<{links.public_url()}{path_of(message)}>"
    expected = {
        "List-Unsubscribe": url,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert headers == (expected if has_them else {})


def test_links_to_unsubscribe_are_never_counted():
    provider = make_provider(click_setting=True)
    version = make_version(
        html='<a href="{{ system.unsubscribe_url }}">a</a>'
        '<a href="{{ system.preferences_url }}">b</a>'
    )
    message = make_promotion(provider=provider, template_version=version)

    [claimed] = Loader(provider).load([message.pk])
    html = outgoing.outgoing(claimed, outgoing.config_of(provider)).html

    url = links.public_url() + path_of(message)
    assert html == f'<a href="{url}">a</a><a href="{url}preferences/">b</a>'


def test_choice_is_kept_as_a_consent_or_its_withdrawal(stranger):
    message = make_promotion()

    stranger.post(path_of(message), {"do": "unsubscribe"})
    stranger.post(path_of(message), {"do": "undo"})

    back, gone = Consent.objects.order_by("-id")
    assert (gone.is_granted, back.is_granted) == (False, True)
    assert (back.address, back.category) == ("ana@example.com", "promotional")
    assert (back.source, back.ip) == ("On the unsubscribe page", "127.0.0.1")
    assert back.wording == "Offers and news: Special offers, news and invitations."
