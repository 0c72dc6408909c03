"""Messages sent within the call: answered in time, handed over once."""

from __future__ import annotations

import datetime
import threading

import pytest
import time_machine
from django.utils import timezone

from omnichannel import installation, instant, kept, recovery
from omnichannel.choices import MessageStatus, Outcome
from omnichannel.exceptions import ProviderRefused, ProviderUnavailable
from omnichannel.models import ChannelProvider, Lane, Message, Suppression
from tests.factories import NOW, make_provider
from tests.factories_api import caller
from tests.factories_templates import make_version
from tests.omnichannel.scripted import accept, fails_with, in_turn, results
from tests.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pool")]

ROUTE = "/api/v1/messages/instant/"


@pytest.fixture
def shop():
    return caller("send")


def body(**values):
    values = {"to_address": "ana@example.com", "body_text": "Hello", "timeout": 20, **values}
    return {
        "provider": Message._meta.get_field("provider").related_model.objects.get().pk,
        **values,
    }


def test_answer_is_what_the_provider_said(shop, provider, scripted):
    answer = shop.post(ROUTE, body())

    row = Message.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "id": row.pk,
        "key": str(row.key),
        "to_address": "ana@example.com",
        "status": "sent",
        "provider": provider.pk,
        "code": "250",
        "message": "",
        "external_id": f"ext-{row.key}",
    }
    assert len(scripted.seen) == 1


def test_what_the_template_carries_goes_with_it(shop, provider, scripted):
    version = make_version(
        static_cc="desk@example.com", headers={"X-Team": "blue"}, languages=["de"]
    )
    version.texts.create(position=1, language="de", subject="Hallo {{ name }}", text="Hallo")
    type(version.template).objects.update(priority=1)
    values = {"template": version.template_id, "language": "de", "variables": {"name": "Ana"}}

    answer = shop.post(ROUTE, {**body(**values), "body_text": ""})

    (sent,) = scripted.seen
    assert answer.status_code == 200
    assert (sent.subject, sent.cc) == ("Hallo Ana", ("desk@example.com",))
    assert sent.headers["X-Team"] == "blue"
    assert Message.objects.get().priority == 1


@pytest.mark.parametrize(
    ("outcome", "code"), [(Outcome.REJECTED, "550"), (Outcome.TEMPORARY, "451")]
)
def test_refusal_is_told_and_not_tried_again(shop, provider, scripted, outcome, code):
    scripted.answer = staticmethod(results(outcome, code, "No."))

    answer = shop.post(ROUTE, body())

    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.json()["code"] == code
    assert answer.json()["message"].startswith("No.")


class Slow:
    """Answers when it is told to."""

    def __init__(self):
        self.has_begun, self.may_answer = threading.Event(), threading.Event()

    def __call__(self, message):
        self.has_begun.set()
        self.may_answer.wait(30)
        return accept(message)


def test_slow_provider_is_not_waited_for_beyond_the_deadline(shop, provider, scripted, pool):
    slow = Slow()
    scripted.answer = staticmethod(slow)

    answer = shop.post(ROUTE, body(timeout=0.2))

    assert (answer.status_code, answer.json()["status"]) == (202, "sending")
    slow.may_answer.set()
    pool.shutdown(wait=True)
    assert Message.objects.get().status == MessageStatus.SENT
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("is_late", [False, True])
def test_repeated_call_is_answered_again_and_sends_nothing(shop, provider, scripted, is_late):
    slow = Slow()
    scripted.answer = staticmethod(slow if is_late else accept)
    call = body(timeout=0.1 if is_late else 20)

    first, again = (shop.post(ROUTE, call, HTTP_IDEMPOTENCY_KEY="a") for _ in range(2))
    slow.may_answer.set()

    assert first.status_code == again.status_code == (202 if is_late else 200)
    assert first.json() == again.json()
    assert len(scripted.seen) == Message.objects.count() == 1


def test_call_that_sent_nothing_may_be_made_again(shop, provider, scripted):
    scripted.answer = staticmethod(in_turn(fails_with(ProviderUnavailable("Busy.")), accept))

    first = shop.post(ROUTE, body(), HTTP_IDEMPOTENCY_KEY="a")
    ChannelProvider.objects.update(resting_until=None)
    again = shop.post(ROUTE, body(), HTTP_IDEMPOTENCY_KEY="a")

    assert (first.status_code, again.status_code) == (503, 200)
    assert sorted(Message.objects.values_list("status", flat=True)) == ["cancelled", "sent"]


def test_message_that_got_no_answer_is_never_sent_again_by_itself(shop, provider, scripted):
    provider.on_uncertain = "retry"
    provider.pool_time_retry = datetime.timedelta(0)
    provider.save()
    scripted.answer = staticmethod(results(Outcome.UNKNOWN))

    answer = shop.post(ROUTE, body())
    recovery.recover(timezone.now() + datetime.timedelta(hours=1))

    assert (answer.status_code, answer.json()["status"]) == (202, "uncertain")
    assert Message.objects.get().status == MessageStatus.UNCERTAIN


@pytest.mark.parametrize(
    ("error", "trouble"),
    [(ProviderUnavailable("Nobody answers."), "Nobody"), (ProviderRefused("Bad key."), "Bad key")],
)
def test_what_could_not_be_handed_over_never_goes_later(shop, provider, scripted, error, trouble):
    scripted.answer = staticmethod(fails_with(error))

    answer = shop.post(ROUTE, body())

    assert answer.status_code == 503
    assert trouble in answer.json()["detail"]
    assert Message.objects.get().status == MessageStatus.CANCELLED


@pytest.mark.parametrize(
    "late",
    [fails_with(ProviderUnavailable("Nobody.")), fails_with(ProviderRefused("Bad key."))],
)
def test_what_is_given_back_after_the_deadline_never_goes_later(
    shop, provider, scripted, pool, late
):
    slow = Slow()

    def answer(message):
        slow(message)
        return late(message)

    scripted.answer = staticmethod(answer)

    told = shop.post(ROUTE, body(timeout=0.1))
    slow.may_answer.set()
    pool.shutdown(wait=True)

    assert told.status_code == 202
    assert Message.objects.get().status == MessageStatus.CANCELLED


def test_key_that_the_provider_refuses_late_leaves_nothing_behind(shop, provider, scripted, pool):
    slow = Slow()

    def answer(message):
        slow(message)
        return results(Outcome.AUTH, "401")(message)

    scripted.answer = staticmethod(answer)

    shop.post(ROUTE, body(timeout=0.1))
    slow.may_answer.set()
    pool.shutdown(wait=True)

    assert Message.objects.get().status == MessageStatus.CANCELLED


@pytest.mark.parametrize(
    ("values", "words", "tells_when"),
    [
        ({"stopped_at": timezone.now(), "trouble": "Wrong password."}, "is stopped. Wrong", False),
        ({"resting_until": timezone.now() + datetime.timedelta(hours=1)}, "rests", True),
    ],
)
def test_provider_that_cannot_send_is_told(shop, provider, scripted, values, words, tells_when):
    ChannelProvider.objects.update(**values)

    answer = shop.post(ROUTE, body())

    assert answer.status_code == 503
    assert words in answer.json()["detail"]
    assert ("Retry-After" in answer.headers) is tells_when
    assert not Message.objects.exists()
    assert not scripted.seen


def test_closed_window_is_told_with_its_opening(shop, provider):
    provider.interval_min, provider.interval_max = datetime.time(14), datetime.time(15)
    provider.save()

    with time_machine.travel(NOW, tick=False):  # at noon
        answer = shop.post(ROUTE, body())

    assert answer.status_code == 503
    assert "from 2026-03-02 14:00 UTC" in answer.json()["detail"]
    assert answer.headers["Retry-After"] == "7200"


def test_paused_stream_and_a_held_installation_are_told(shop, provider, monkeypatch):
    shop.post(ROUTE, body())
    Lane.objects.update(is_paused=True)
    paused = shop.post(ROUTE, body())
    monkeypatch.setattr(installation.known, "is_held", True)
    held = shop.post(ROUTE, body())

    assert (paused.status_code, held.status_code) == (503, 503)
    assert "paused" in paused.json()["detail"]
    assert "held" in held.json()["detail"]


def test_used_up_rate_is_told(shop, provider):
    provider.rate_limit = 1
    provider.save()

    statuses = [shop.post(ROUTE, body()).status_code for _ in range(8)]

    assert statuses[0] == 200
    assert 503 in statuses


def test_suppressed_address_is_told_and_nothing_is_handed_over(shop, provider, scripted):
    Suppression.objects.create(channel_type="email", address="ana@example.com")

    answer = shop.post(ROUTE, body())

    assert (answer.status_code, answer.json()["status"]) == (200, "suppressed")
    assert "suppression" in answer.json()["message"]
    assert not scripted.seen


def test_too_many_at_once_are_refused(shop, provider, monkeypatch):
    monkeypatch.setattr(instant, "_free", threading.BoundedSemaphore(1))
    with instant._free:
        refused = shop.post(ROUTE, body())

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    for _ in range(2):
        assert shop.post(ROUTE, body()).status_code == 200
        with instant._free:  # given back by the thread that sent it
            pass


@pytest.mark.parametrize("field", ["recipients", "starts_at", "retry_max_attempt"])
def test_what_only_the_queue_knows_cannot_be_asked_for(shop, provider, field):
    answer = shop.post(ROUTE, body(**{field: []}))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_connection_is_kept_between_two_calls(shop):
    with SmtpServer() as server:
        options = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        make_provider(backend="smtp", app_config=options)

        answers = [shop.post(ROUTE, body()).json()["status"] for _ in range(6)]
        kept.close_all()

    assert answers == ["sent"] * 6
    assert len(server.messages) == 6
    assert len(server.conversations) <= 2  # one is put away while the next call begins


def test_deadline_holds_against_a_real_server_that_is_slow(shop, pool):
    with SmtpServer(dot="(sleep 1.5)250 2.0.0 queued") as server:
        options = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        make_provider(backend="smtp", app_config=options)

        answer = shop.post(ROUTE, body(timeout=0.3))
        pool.shutdown(wait=True)
        kept.close_all()

    assert (answer.status_code, answer.json()["status"]) == (202, "sending")
    assert Message.objects.get().status == MessageStatus.SENT
    assert len(server.messages) == 1
