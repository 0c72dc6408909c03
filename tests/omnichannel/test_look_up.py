from __future__ import annotations

import datetime
import time

import pytest
from django.utils import timezone

from omnichannel import look_up
from omnichannel.backends import sandbox_store
from omnichannel.backends.base import Result
from omnichannel.backends.sandbox import Sandbox
from omnichannel.choices import MessageStatus, Outcome
from omnichannel.exceptions import TemporaryError
from omnichannel.models import Message, MessageEvent
from tests.factories import NOW, make_message, make_provider
from tests.factories_outgoing import make_config, make_outgoing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_store(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def make_uncertain(**values):
    later = timezone.now() + datetime.timedelta(minutes=2)  # than the file of the sandbox
    return make_message(status="uncertain", created_at=later, **values)


def sandbox_had(message, rules=""):
    """Hand the message to the sandbox, as the worker did whose answer was lost."""
    backend = Sandbox(make_config(options={"rules": rules}))
    outgoing = make_outgoing(key=str(message.key), to=message.to_address)
    return list(backend.deliver([outgoing]))


def ask(messages=None, until=None):
    chosen = Message.objects.all() if messages is None else messages
    return look_up.look_up(chosen, at=NOW, until=until or time.monotonic() + 60)


def status_of(message):
    return Message.objects.get(pk=message.pk).status


@pytest.mark.parametrize(
    ("rules", "status"),
    [("", "sent"), ("*: unknown", "sent"), ("*: permanent", "failed"), ("*: temporary", "new")],
)
def test_what_the_sandbox_was_given_is_settled_as_it_answered(rules, status):
    message = make_uncertain()
    sandbox_had(message, rules)

    ask()

    assert status_of(message) == status


def test_what_never_arrived_is_sent_again():
    provider = make_provider()
    arrived, never = [make_uncertain(provider=provider) for _ in range(2)]
    sandbox_had(arrived)

    answers = ask()

    assert (status_of(arrived), status_of(never)) == ("sent", "new")
    assert (answers.asked, answers.arrived, answers.sent_again, answers.left) == (2, 1, 1, 0)


def test_what_the_store_may_have_forgotten_is_left_uncertain():
    message = make_message(status="uncertain", created_at=timezone.now())
    sandbox_had(make_message())
    sandbox_store.clear()

    answers = ask()

    assert status_of(message) == "uncertain"
    assert answers.left == 1


def test_what_was_found_keeps_the_providers_words_as_an_event():
    message = make_uncertain(error_message="The worker died.")
    sandbox_had(message)

    ask()

    message.refresh_from_db()
    event = MessageEvent.objects.get()
    assert (message.external_id, message.error_message) == (f"sandbox-{message.key}", "")
    assert (event.type, event.status) == ("sent", MessageStatus.SENT)
    assert event.description == "Looked up: The sandbox has it."


def test_what_was_handed_over_before_the_store_was_made_is_left_uncertain():
    message = make_message(status="uncertain", created_at=NOW)

    answers = ask()

    assert status_of(message) == "uncertain"
    assert answers.left == 1


def test_only_uncertain_messages_of_a_provider_that_can_be_asked_are_asked_for():
    smtp = make_provider(backend="smtp")
    make_uncertain(provider=smtp)
    make_message(status="failed")

    answers = ask()

    assert answers.asked == 0
    assert not MessageEvent.objects.exists()


def test_a_message_that_moved_on_meanwhile_is_left_alone(monkeypatch):
    message = make_uncertain()

    def answer(self, messages):
        Message.objects.update(status="delivered")
        yield Result(messages[0].key, Outcome.REJECTED, "550", "No such user")

    monkeypatch.setattr(Sandbox, "look_up", answer)

    answers = ask()

    assert status_of(message) == "delivered"
    assert (answers.refused, answers.left) == (0, 1)


def test_a_provider_that_does_not_answer_is_told_of_and_holds_up_no_other(monkeypatch):
    broken, fine = make_provider(name="A broken one"), make_provider(name="B")
    for provider in (broken, fine):
        make_uncertain(provider=provider)

    def answer(self, messages):
        if self.config.name == broken.name:
            raise TemporaryError("Come back later.")
        return iter([Result(messages[0].key, Outcome.DELIVERED)])

    monkeypatch.setattr(Sandbox, "look_up", answer)

    answers = ask()

    assert answers.troubles == ["A broken one: Come back later."]
    assert (answers.arrived, answers.left) == (1, 1)


def test_any_number_is_asked_in_pages_until_the_time_is_over(monkeypatch):
    monkeypatch.setattr(look_up, "PAGE", 2)
    provider = make_provider()
    for _ in range(5):
        sandbox_had(make_uncertain(provider=provider))

    late = ask(until=time.monotonic() - 1)
    answers = ask()

    assert (late.arrived, late.left) == (0, 5)
    assert answers.arrived == 5
