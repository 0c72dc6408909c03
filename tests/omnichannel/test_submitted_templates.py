"""What a template carries counts for what other systems send, by a call or by an event."""

from __future__ import annotations

import pytest

from omnichannel import dispatch, publishing, rendering, submissions
from omnichannel.choices import SkipReason, WebhookEvent
from omnichannel.delivery import drain
from omnichannel.exceptions import InvalidSubmission
from omnichannel.models import (
    EmailTemplate,
    GlobalVariable,
    Job,
    Message,
    SmsTemplate,
    Suppression,
    WebhookNotice,
)
from omnichannel.submissions import File, Submission
from tests.factories import NOW, make_provider
from tests.factories_events import make_event, make_routes, make_subscription
from tests.factories_outgoing_webhooks import make_outgoing_webhook
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db

ANA = {"to_address": "ana@example.com"}
GERMAN = {
    "language": "de",
    "subject": "Hallo {{ vorname }}",
    "text": "{{ global.company_name }}, {{ global.support_email }}",
}


@pytest.fixture(autouse=True)
def provider():
    return make_provider(name="Main")


def spoken(**values):
    """Published in English, which needs `name`, and in German, which needs `vorname`."""
    template = make_template(
        name="Hello", sample_variables={"name": "Ana", "vorname": "Ana", "office": "x@example.com"}
    )
    for key in ("company_name", "support_email"):
        GlobalVariable.objects.update_or_create(key=key, defaults={"value": key})
    return publishing.publish(
        template, subject="Hello {{ name }}", text="Hello", translations=[GERMAN], **values
    )


def send(*recipients, **values):
    values = {"provider": "Main", "template": "Hello", **values}
    return submissions.accept(Submission(recipients=recipients or [ANA], **values), at=NOW)


def subjects():
    rows = Message.objects.order_by("id")
    return [rendering.render_message(row).subject for row in rows]


def faults(*recipients, **values):
    with pytest.raises(InvalidSubmission) as caught:
        send(*recipients, **values)
    return dict(caught.value.faults)


def test_each_recipient_gets_the_text_of_their_language_with_what_that_one_needs():
    spoken()

    send(
        {"to_address": "a@example.com", "language": "de-AT", "variables": {"vorname": "Ada"}},
        {"to_address": "b@example.com", "variables": {"vorname": "Bo", "locale": "de_DE.UTF-8"}},
        {"to_address": "c@example.com", "variables": {"name": "Cy"}},
        {"to_address": "d@example.com", "language": "fr", "variables": {"name": "Di"}},
    )

    assert subjects() == ["Hallo Ada", "Hallo Bo", "Hello Cy", "Hello Di"]


def test_a_variable_is_missing_by_the_text_of_the_language_that_is_chosen():
    spoken()

    found = faults(
        {"to_address": "a@example.com", "language": "de", "variables": {"name": "Ada"}},
        {"to_address": "b@example.com", "variables": {"vorname": "Bo"}},
    )

    assert set(found) == {"recipients.0.variables.vorname", "recipients.1.variables.name"}


def test_the_recipients_own_language_counts_before_a_shared_one():
    spoken()
    person = {"variables": {"name": "Ana", "vorname": "Anna"}}

    send(
        {"to_address": "a@example.com", **person},
        {"to_address": "b@example.com", "language": "en", **person},
        variables={"language": "de"},
    )

    assert subjects() == ["Hallo Anna", "Hello Ana"]


@pytest.mark.parametrize("language", [7, ["de"], "d" * 81])
def test_what_cannot_be_a_language_is_refused(language):
    spoken()

    assert list(faults({**ANA, "language": language, "variables": {"name": "Ana"}})) == [
        "recipients.0.language"
    ]


def test_a_single_message_keeps_the_global_variables_of_its_language():
    spoken()

    send({**ANA, "language": "de", "variables": {"vorname": "Ana"}})

    assert set(Message.objects.get().variables["global"]) == {"company_name", "support_email"}


def test_a_text_that_cannot_be_filled_is_named_in_each_language():
    version = spoken()
    version.texts.update(subject="{{ vorname.first }}")

    found = faults(
        {"to_address": "a@example.com", "variables": {"name": "Ada"}},
        {"to_address": "b@example.com", "language": "de", "variables": {"vorname": "Bo"}},
    )

    assert list(found) == ["recipients.1.variables"]


def test_a_templates_copies_go_with_those_that_were_asked_for():
    spoken(static_to="desk@example.com", static_bcc="log@example.com", cc_key="office")

    send(
        {
            **ANA,
            "cc_addresses": ["own@example.com"],
            "variables": {"name": "Ana", "office": "x@example.com; DESK@example.com"},
        }
    )

    row = Message.objects.get()
    assert row.to_address == "ana@example.com"
    assert row.cc_addresses == "own@example.com; desk@example.com; x@example.com"
    assert row.bcc_addresses == "log@example.com"


def test_more_copies_than_a_message_may_have_are_refused():
    spoken(static_cc="desk@example.com")
    asked = [f"p{n}@example.com" for n in range(100)]

    found = faults({**ANA, "cc_addresses": asked, "variables": {"name": "Ana"}})

    assert list(found) == ["recipients.0.cc_addresses"]


def test_the_template_says_whom_it_goes_to_where_nobody_else_does():
    spoken(to_key="office", static_to="desk@example.com")

    send(
        {"variables": {"name": "Ana", "office": "x@example.com"}},
        {"variables": {"name": "Bo"}},
        {**ANA, "variables": {"name": "Cy", "office": "x@example.com"}},
    )

    rows = Message.objects.order_by("id").values_list("to_address", "cc_addresses")
    assert list(rows) == [
        ("x@example.com", "desk@example.com"),
        ("desk@example.com", ""),
        ("ana@example.com", "desk@example.com"),
    ]


def test_nobody_is_written_to_where_neither_says_whom():
    spoken()

    assert "recipients.0.to_address" in faults({"variables": {"name": "Ana"}})


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ({}, ("promotional", 3)),
        ({"category": "transactional", "priority": 0}, ("transactional", 0)),
    ],
)
def test_the_template_says_what_its_messages_are_unless_the_call_does(asked, stored):
    template = spoken().template
    type(template).objects.filter(pk=template.pk).update(category="promotional", priority=3)

    send({**ANA, "variables": {"name": "Ana"}}, ANA | {"to_address": "b@example.com"},
         variables={"name": "Bo"}, **asked)  # fmt: skip

    assert set(Message.objects.values_list("category", "priority")) == {stored}
    assert set(Message.objects.values_list("lane__category", "lane__priority")) == {stored}
    assert list(Job.objects.values_list("category", "priority")) == [stored]


def test_files_of_both_together_must_not_be_too_large(settings):
    settings.ATTACHMENT_MAX_BYTES = 1000
    entry = {"file": "x", "name": "terms.pdf", "content_type": "application/pdf", "size": 900}
    make_version(make_template(name="Terms"), files=[entry])

    found = faults(template="Terms", attachments=[File("a.txt", "QUJD" * 50)])

    assert list(found) == ["attachments"]


def test_statements_do_not_grow_with_recipients_and_languages(django_assert_max_num_queries):
    spoken(static_cc="desk@example.com", bcc_key="office")
    people = [
        {
            "to_address": f"p{n}@example.com",
            "language": "de" if n % 2 else "en",
            "variables": {"name": "Ana", "vorname": "Ana", "office": f"o{n}@example.com"},
        }
        for n in range(1_000)
    ]

    with django_assert_max_num_queries(17):
        send(*people)

    assert Message.objects.filter(bcc_addresses__startswith="o").count() == 1_000


def test_a_webhook_is_told_of_a_recipient_who_is_barred():
    spoken()
    make_outgoing_webhook(event_types=[WebhookEvent.SUPPRESSED])
    Suppression.objects.create(channel_type="email", address="b@example.com")

    send(ANA, {"to_address": "b@example.com"}, variables={"name": "You"})

    told = WebhookNotice.objects.get()
    assert (told.type, told.at) == (WebhookEvent.SUPPRESSED, NOW)
    assert told.message_id == Message.objects.get(status="suppressed").pk


def test_nothing_is_kept_for_webhooks_that_do_not_want_it():
    spoken()
    make_outgoing_webhook(event_types=[WebhookEvent.SENT])
    Suppression.objects.create(channel_type="email", address="ana@example.com")

    send({**ANA, "variables": {"name": "Ana"}})

    assert Message.objects.get().status == "suppressed"
    assert not WebhookNotice.objects.exists()


@pytest.fixture
def event():
    make_routes()
    return make_event(key="hello")


def trigger(columns, variables=None, **values):
    return dispatch.trigger("hello", columns, variables or {}, at=NOW, source="test", **values)


@pytest.mark.parametrize(
    ("columns", "variables"),
    [
        ({"email": "ana@example.com", "language": "de", "vorname": "Ana"}, {}),
        ({"email": "ana@example.com", "vorname": "Ana"}, {"language": "de"}),
    ],
)
def test_an_event_speaks_the_language_of_its_recipient(event, columns, variables):
    make_subscription(event, template=spoken().template)

    (message,) = trigger(columns, variables).messages

    assert rendering.render_message(message).subject == "Hallo Ana"
    assert set(message.variables["global"]) == {"company_name", "support_email"}


def test_an_event_goes_where_its_template_says_with_its_copies(event):
    version = spoken(to_key="event.office", static_cc="desk@example.com")
    make_subscription(event, template=version.template)

    done = trigger({"name": "Ana"}, {"office": "x@example.com"})
    drain()

    row = Message.objects.get(pk=done.messages[0].pk)
    assert (row.to_address, row.cc_addresses) == ("x@example.com", "desk@example.com")


def test_a_fixed_address_of_a_template_gets_nothing_where_the_recipient_gets_nothing(event):
    make_subscription(event, template=spoken(static_to="desk@example.com").template)

    done = trigger({"phone": "+12025550143", "name": "Ana"})

    assert not done.messages
    assert SkipReason.NO_ADDRESS in {row.reason for row in done.skipped}


@pytest.mark.parametrize(("asked", "stored"), [(None, 4), (1, 1)])
def test_an_events_message_has_the_priority_of_its_template_unless_told(event, asked, stored):
    template = spoken().template
    type(template).objects.filter(pk=template.pk).update(priority=4)
    make_subscription(event, template=template)

    (message,) = trigger({"email": "ana@example.com", "name": "Ana"}, priority=asked).messages

    assert message.priority == stored


@pytest.mark.parametrize("model", [EmailTemplate, SmsTemplate])
@pytest.mark.parametrize("way", ["create", "get_or_create", "update_or_create"])
def test_what_a_channels_manager_makes_is_of_that_channel(model, way):
    getattr(model.objects, way)(name="New")

    assert model.objects.get().channel_type == model.objects.channel_type
