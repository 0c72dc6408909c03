from __future__ import annotations

import pytest

from omnichannel import dispatch, outbox, rendering, suppressions
from omnichannel.choices import Category, SkipReason
from omnichannel.delivery import drain
from omnichannel.exceptions import InvalidEvent, UnknownEvent
from omnichannel.models import (
    EventChannelSwitch,
    EventTrigger,
    GlobalVariable,
    Message,
    ProviderRoute,
)
from omnichannel.suppressions import Word
from tests.factories import NOW, make_provider
from tests.factories_events import make_event, make_routes, make_subscription, make_text
from tests.factories_templates import make_version

pytestmark = pytest.mark.django_db

ANA = {"email": "ana@example.com", "phone": "+12025550143"}
SCHEMA = {
    "type": "object",
    "required": ["order_id"],
    "properties": {"order_id": {"type": "string"}, "total": {"type": "number"}},
}


@pytest.fixture
def routes():
    make_routes()


@pytest.fixture
def event(routes):
    """Subscribed on e-mail and SMS."""
    event = make_event(key="order-placed", variables_schema=SCHEMA)
    email = make_text(
        subject="Order {{ event.order_id }}", html="", text="Thanks, {{ first_name }}"
    )
    sms = make_text("sms", text="Order {{ order_id }} placed")
    make_subscription(event, "email", template=email.template)
    make_subscription(event, "sms", template=sms.template)
    return event


def trigger(key="order-placed", recipient=None, variables=None, **values):
    recipient = {"first_name": "Ana", **ANA} if recipient is None else recipient
    variables = {"order_id": "A-1"} if variables is None else variables
    return dispatch.trigger(key, recipient, variables, at=NOW, **{"source": "test", **values})


def reasons(done):
    return {row.channel_type: row.reason for row in done.skipped}


def said(message):
    rendered = rendering.render_message(message)
    return rendered.subject, rendered.text


def test_each_subscribed_channel_gets_one_message(event):
    done = trigger()

    email, sms = done.messages
    assert (email.to_address, sms.to_address) == ("ana@example.com", "+12025550143")
    assert said(email) == ("Order A-1", "Thanks, Ana")
    assert said(sms) == ("", "Order A-1 placed")
    assert reasons(done) == {"push": SkipReason.NOT_SUBSCRIBED}


def test_the_messages_are_sent(event):
    trigger()

    drain()

    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


def test_a_missing_variable_is_named_and_nothing_is_queued(event):
    with pytest.raises(InvalidEvent) as refused:
        trigger(variables={"total": "much"})

    assert dict(refused.value.errors) == {
        "variables.order_id": "This variable is missing.",
        "variables.total": "'much' is not of type 'number'.",
    }
    assert not Message.objects.exists()
    assert not EventTrigger.objects.exists()


def test_a_name_that_only_the_template_knows_is_named(event):
    with pytest.raises(InvalidEvent, match="first_name"):
        trigger(recipient=ANA)

    assert not Message.objects.exists()


def test_an_unknown_event_is_told(db):
    for key in ("never", "", "\0", "a b"):
        with pytest.raises(UnknownEvent):
            trigger(key)


def test_every_fault_is_told_at_once(event):
    recipient = {"email": "ana", "phone": 5, "event": {}, "first_name": "Ana"}

    with pytest.raises(InvalidEvent) as refused:
        trigger(recipient=recipient, variables={}, dedupe_key="k" * 256)

    assert {path for path, _ in refused.value.errors} == {
        "recipient.email", "recipient.phone", "recipient.event", "variables.order_id", "dedupe_key",
    }  # fmt: skip


@pytest.mark.parametrize("column", ["\0", "\ud800", float("inf"), 10**400, {"a": [[[[{}]]]] * 600}])
def test_a_value_that_cannot_be_stored_is_refused(event, column):
    with pytest.raises(InvalidEvent):
        trigger(recipient={**ANA, "first_name": column})


def test_a_channel_without_an_address_is_skipped(event):
    done = trigger(recipient={"email": "ana@example.com", "phone": "", "first_name": "Ana"})

    assert [row.to_address for row in done.messages] == ["ana@example.com"]
    assert reasons(done)["sms"] == SkipReason.NO_ADDRESS


def test_an_inactive_event_sends_nothing(event):
    event.is_active = False
    event.save()

    done = trigger()

    assert done.messages == []
    assert set(reasons(done).values()) == {SkipReason.INACTIVE}


def test_an_unpublished_template_is_told(event):
    event.subscriptions.get(channel_type="sms").template.versions.all().delete()

    assert reasons(trigger())["sms"] == SkipReason.NO_TEMPLATE


def test_a_channel_without_a_provider_does_not_hold_up_the_other(event):
    ProviderRoute.objects.filter(channel_type="sms").delete()

    done = trigger()

    assert [row.to_address for row in done.messages] == ["ana@example.com"]
    assert reasons(done)["sms"] == SkipReason.NO_PROVIDER


@pytest.mark.parametrize(
    ("category", "count"), [("transactional", 1), ("promotional", 1), ("otp", 2)]
)
def test_a_switched_off_channel_spares_one_time_passwords_only(event, category, count):
    EventChannelSwitch.objects.create(channel_type="email", is_on=False)
    event.category = category
    event.save()

    assert len(trigger().messages) == count


def test_a_switch_that_is_on_again_lets_events_through(event):
    EventChannelSwitch.objects.create(channel_type="email", is_on=True)

    assert len(trigger().messages) == 2


def test_a_suppressed_address_is_told_and_not_written_to(event):
    suppressions.say([Word("email", "ana@example.com", "complaint", NOW)])

    done = trigger()
    drain()

    assert reasons(done)["email"] == SkipReason.SUPPRESSED
    assert dict(Message.objects.values_list("to_address", "status")) == {
        "ana@example.com": "suppressed", "+12025550143": "sent",
    }  # fmt: skip


def test_an_own_provider_is_used_while_it_is_active(event):
    own = make_provider(name="Own")
    event.subscriptions.filter(channel_type="email").update(provider=own)

    first = trigger().messages[0].provider
    own.is_active = False
    own.save()
    second = trigger().messages[0].provider

    assert (first == own, second == own) == (True, False)


def test_providers_of_the_caller_come_first(event):
    chosen = make_provider(name="Chosen")

    done = trigger(providers={"email": chosen})

    assert done.messages[0].provider == chosen


def test_the_category_decides_lane_and_priority(event):
    event.category = Category.OTP
    event.save()

    message = trigger().messages[0]

    assert (message.category, message.priority, message.lane.category) == ("otp", 0, "otp")


def test_a_priority_may_be_asked_for(event):
    assert trigger(priority=4).messages[0].priority == 4
    with pytest.raises(InvalidEvent, match="priority"):
        trigger(priority=5)


def test_the_recipients_columns_come_before_the_events_and_those_before_global_ones(routes):
    event = make_event()
    text = make_text(text="{{ a }} {{ b }} {{ c }} {{ event.a }} {{ global.b }}", html="",
                     variables=["a", "b", "c", "event.a", "global.b"])  # fmt: skip
    make_subscription(event, template=text.template)
    for key in "abc":
        GlobalVariable.objects.create(key=key, value=f"global {key}")

    done = trigger(event.key, {"email": "a@example.com", "a": "mine"}, {"a": "its", "b": "its b"})

    assert said(done.messages[0])[1] == "mine its b global c its global b"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{{ global.shop }} {{ shop }}", ["global.shop", "shop"]),
        ("{{ global['shop'] }} {{ shop }}", ["shop"]),
    ],
)
def test_what_was_sent_is_shown_as_it_was_after_everything_has_changed(routes, text, variables):
    event = make_event()
    version = make_text(text=text, html="", variables=variables)
    make_subscription(event, template=version.template)
    shop = GlobalVariable.objects.create(key="shop", value="Old shop")
    message = trigger(event.key, ANA, {}).messages[0]

    shop.value = "New shop"
    shop.save()
    make_version(version.template, text="Other")
    event.delete()

    assert said(Message.objects.get(pk=message.pk))[1] == "Old shop Old shop"


def test_the_same_key_triggers_once(event):
    first = trigger(dedupe_key="order A-1")
    second = trigger(dedupe_key="order A-1")

    assert second.is_repeat
    assert [row.pk for row in second.messages] == [row.pk for row in first.messages]
    assert second.skipped == first.skipped
    assert Message.objects.count() == 2


def test_another_recipient_event_or_key_triggers_again(event):
    other = make_event(key="order-paid")
    make_subscription(other)
    ben = {"email": "ben@example.com", "first_name": "Ben"}

    done = [
        trigger(dedupe_key="1"),
        trigger(dedupe_key="2"),
        trigger(dedupe_key="1", recipient=ben),
        trigger("order-paid", dedupe_key="1"),
        trigger(),
        trigger(),
    ]

    assert not any(each.is_repeat for each in done)


def test_of_two_at_once_the_second_answers_what_the_first_did(event, monkeypatch):
    known, first = dispatch._known, []

    def late(row_event, row):
        if first:
            return known(row_event, row)
        first.append(None)  # the other one is stored between the look and the insert
        first.append(trigger(dedupe_key="1"))
        return None

    monkeypatch.setattr(dispatch, "_known", late)

    done = trigger(dedupe_key="1")

    assert done.is_repeat
    assert Message.objects.count() == 2


def test_a_channel_that_cannot_be_queued_takes_back_the_others(event, monkeypatch):
    queue = outbox.enqueue

    def no_texts(message, *, at):
        if message.to_address.startswith("+"):
            raise outbox.InvalidMessage("No.")
        return queue(message, at=at)

    monkeypatch.setattr(outbox, "enqueue", no_texts)

    with pytest.raises(InvalidEvent, match="SMS"):
        trigger()

    assert not Message.objects.exists()
    assert not EventTrigger.objects.exists()


def test_each_trigger_is_kept_without_an_address(event):
    done = trigger(reference="A-1", dedupe_key="1", recipient={**ANA, "first_name": "Ana"})

    row = EventTrigger.objects.get()
    assert (row.event, row.source, row.reference, row.at) == (event, "test", "A-1", NOW)
    assert row.messages == [message.pk for message in done.messages]
    assert "example.com" not in str(EventTrigger.objects.values().get())
