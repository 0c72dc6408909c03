"""A code goes to its recipient and to nobody else, whatever its template or its sender says."""

from __future__ import annotations

import pytest

from omnichannel import submissions
from omnichannel.choices import Category
from omnichannel.delivery import drain
from omnichannel.exceptions import InvalidMessage, InvalidSubmission
from omnichannel.models import Message
from omnichannel.outbox import enqueue
from omnichannel.submissions import Submission
from tests.factories import NOW, make_message
from tests.factories_templates import make_template, make_version
from tests.otp.conftest import EMAIL
from tests.otp.factories import make_configuration

OTHERS = {
    "static_to": "front@example.com",
    "static_cc": "desk@example.com",
    "static_bcc": "spy@example.com",
    "cc_key": "office",
}


@pytest.fixture
def template():
    version = make_version(
        make_template(name="Code", category=Category.OTP),
        subject="Code",
        html="<p>{{ code }}</p>",
        **OTHERS,
    )
    return version.template


def test_template_s_copies_do_not_get_the_code(phone, template):
    make_configuration(is_default=True, email_template=template)

    (sent,) = phone.ask(email=EMAIL, variables={"office": "office@example.com"})

    assert sent.success
    message = phone.seen[0]
    assert (message.to, message.cc, message.bcc) == (EMAIL, (), ())
    row = Message.objects.get()
    assert (row.cc_addresses, row.bcc_addresses) == ("", "")


@pytest.mark.parametrize("name", ["cc_addresses", "bcc_addresses"])
def test_submission_that_asks_for_copies_of_a_code_is_refused(ways, name):
    recipient = {"to_address": EMAIL, name: ["spy@example.com"]}
    asked = Submission(
        recipients=[recipient],
        is_single=True,
        channel_type="email",
        category=Category.OTP,
        subject="Code",
        body_text="123456",
    )

    with pytest.raises(InvalidSubmission) as caught:
        submissions.accept(asked, at=NOW)

    assert dict(caught.value.faults)[name].startswith("A one-time password is for its recipient")
    assert not Message.objects.exists()


def test_message_that_an_operator_writes_has_no_copies_of_a_code(ways, template):
    values = {"provider": ways["email"], "category": Category.OTP, "to_address": EMAIL}
    version = template.published_version
    plain = Message(template_version=version, variables={"code": "123456"}, **values)

    enqueue(plain, at=NOW)

    assert (plain.cc_addresses, plain.bcc_addresses) == ("", "")
    with pytest.raises(InvalidMessage, match="for its recipient alone"):
        enqueue(Message(subject="Code", bcc_addresses="spy@example.com", **values), at=NOW)


def test_copies_that_a_row_has_all_the_same_get_nothing(phone, ways):
    make_message(
        provider=ways["email"],
        category=Category.OTP,
        to_address=EMAIL,
        body_text="123456",
        cc_addresses="desk@example.com",
        bcc_addresses="spy@example.com",
    )

    drain()

    assert [(one.to, one.cc, one.bcc) for one in phone.seen] == [(EMAIL, (), ())]
