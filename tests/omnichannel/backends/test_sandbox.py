from __future__ import annotations

import time

import pytest

from omnichannel.backends import sandbox_rules, sandbox_store
from omnichannel.backends.base import Attachment
from omnichannel.backends.sandbox import Sandbox, SandboxForm
from omnichannel.choices import ChannelType, EventType, Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from tests.factories_outgoing import make_config, make_outgoing


@pytest.fixture(autouse=True)
def own_store(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def make_sandbox(rules: str = sandbox_rules.DEFAULT_RULES, **values) -> Sandbox:
    return Sandbox(make_config(options={"rules": rules}, **values))


def test_message_is_kept_as_it_was_given():
    message = make_outgoing(
        cc=("cc@example.com",),
        bcc=("bcc@example.com",),
        reply_to="desk@example.com",
        headers={"X-Campaign": "spring"},
        attachments=(Attachment("a.pdf", b"12345"),),
    )

    result = make_sandbox().send(message)

    (kept,) = sandbox_store.listing()
    assert result.outcome == kept.outcome == Outcome.ACCEPTED
    assert (kept.to, kept.cc, kept.bcc) == (message.to, ["cc@example.com"], ["bcc@example.com"])
    assert (kept.subject, kept.html, kept.text) == (message.subject, message.html, message.text)
    assert kept.headers == {"X-Campaign": "spring", "Reply-To": "desk@example.com"}
    assert kept.attachments == [("a.pdf", 5)]
    assert kept.from_address == "The Studio <studio@example.com>"
    assert kept.key == message.key


def test_sms_is_kept_for_a_phone_number():
    make_sandbox(channel_type=ChannelType.SMS).send(make_outgoing(to="+12025550101", html=""))

    assert [kept.to for kept in sandbox_store.listing(channel_type="sms")] == ["+12025550101"]


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code"),
    [
        ("temporary", Outcome.TEMPORARY, "451"),
        ("permanent", Outcome.REJECTED, "550"),
        ("throttled 7", Outcome.THROTTLED, "429"),
    ],
)
def test_refusal_follows_the_rule_and_is_kept_too(behaviour, outcome, code):
    (result,) = make_sandbox(f"ann@*: {behaviour}").deliver([make_outgoing()])

    assert (result.outcome, result.code) == (outcome, code)
    assert sandbox_store.listing()[0].code == code


def test_unknown_outcome_follows_the_rule():
    (result,) = make_sandbox("*: unknown").deliver([make_outgoing()])

    assert result.outcome == OutcomeUnknown.outcome


def test_temporary_refusal_can_end_after_some_attempts():
    backend = make_sandbox("*: temporary 1")

    outcomes = [backend.send(make_outgoing(attempt=attempt)).outcome for attempt in (1, 2)]

    assert outcomes == [Outcome.TEMPORARY, Outcome.ACCEPTED]


@pytest.mark.parametrize(
    ("behaviour", "error"), [("auth", ProviderRefused), ("unavailable", ProviderUnavailable)]
)
def test_trouble_is_raised_after_the_results_before_it(behaviour, error):
    messages = [make_outgoing(), make_outgoing(), make_outgoing(to="bad@example.com")]
    results = []

    with pytest.raises(error):
        results.extend(make_sandbox(f"bad@*: {behaviour}").deliver(messages))

    assert [result.key for result in results] == [message.key for message in messages[:2]]


def test_events_come_with_the_result():
    message = make_outgoing(html='<a href="https://example.com/?a=1&amp;b=2">x</a>')

    result = make_sandbox("*: delivered opened clicked").send(message)

    assert [event.type for event in result.events] == [
        EventType.DELIVERED,
        EventType.OPENED,
        EventType.CLICKED,
    ]
    assert result.events[2].url == "https://example.com/?a=1&b=2"
    assert {event.key for event in result.events} == {message.key}


def test_a_simulated_click_is_on_what_a_counted_link_leads_to():
    message = make_outgoing(
        html='<a href="https://studio.example.com/t/c/x/1">Shop</a>',
        text="Shop (https://shop.example.com/a?b=1).",
    )

    result = make_sandbox("*: clicked").send(message)

    assert result.events[0].url == "https://shop.example.com/a?b=1"


def test_message_without_a_link_is_not_clicked():
    result = make_sandbox("*: opened clicked").send(make_outgoing(html="<p>none</p>"))

    assert [event.type for event in result.events] == [EventType.OPENED]


def test_bounce_is_permanent():
    result = make_sandbox().send(make_outgoing(to="ann+bounce@example.com"))

    assert result.outcome == Outcome.ACCEPTED
    assert (result.events[0].type, result.events[0].outcome) == ("bounced", "rejected")


def test_delay_holds_up_the_message_but_not_the_answer_before_it():
    messages = [make_outgoing(to="quick@example.com"), make_outgoing(to="slow@example.com")]
    started = time.monotonic()

    answers = make_sandbox("slow@*: delay 1.5").deliver(iter(messages))

    next(answers)
    assert time.monotonic() - started < 1.2
    next(answers)
    assert time.monotonic() - started >= 1.4


def test_only_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(sandbox_store, "NEWEST", 10)

    list(make_sandbox().deliver(make_outgoing(subject=str(number)) for number in range(200)))

    assert [kept.subject for kept in sandbox_store.listing()] == [
        str(number) for number in range(199, 189, -1)
    ]


def test_listing_is_searched_and_paged():
    for number in range(4):
        make_sandbox(name="A" if number % 2 else "B").send(make_outgoing(subject=f"Offer {number}"))

    first = sandbox_store.listing(query="OFFER", limit=3)
    rest = sandbox_store.listing(query="OFFER", before=first[-1].id)

    assert [kept.subject for kept in first + rest] == ["Offer 3", "Offer 2", "Offer 1", "Offer 0"]
    assert len(sandbox_store.listing(provider="A")) == 2
    assert sandbox_store.listing(query="100%") == []


def test_cleared_store_is_empty():
    make_sandbox().send(make_outgoing())
    id = sandbox_store.listing()[0].id

    assert sandbox_store.get(id) is not None
    assert sandbox_store.clear() == 1
    assert sandbox_store.get(id) is None


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("no colon", "Line 1: write “pattern: behaviour”."),
        ("*: delivered\n*: explode", "Line 2: “explode” is not a behaviour"),
        ("*: delay", "Line 1: say how many seconds"),
        ("*: delay 900", "Line 1: the number after “delay” can be 10 at most."),
        ("*: delivered 3", "Line 1: no number can follow “delivered”."),
        ("*: temporary permanent", "Line 1: “permanent” is not a behaviour, or there are two"),
        ("*: 5", "Line 1: “5” follows no behaviour."),
    ],
)
def test_bad_rule_is_refused_with_its_line(rules, reason):
    form = SandboxForm({"rules": rules})

    assert not form.is_valid()
    assert form.errors["rules"][0].startswith(reason)


def test_rules_shown_at_first_are_good():
    assert SandboxForm({"rules": sandbox_rules.DEFAULT_RULES}).is_valid()
    assert len(sandbox_rules.parse(sandbox_rules.DEFAULT_RULES)) == 10
