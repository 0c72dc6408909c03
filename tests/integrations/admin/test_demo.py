from __future__ import annotations

import pytest

from integrations import demo, executing
from integrations.models import (
    Account,
    ConversionRule,
    EnvelopeEvent,
    Integration,
    Transmission,
)
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_demo_is_loaded_once_and_taken_away_again():
    demo.load(NOW)
    demo.load(NOW)

    assert Account.objects.get().default_mailbox.name == "Example Trading"
    assert Integration.objects.filter(active=True).count() == 2
    assert Transmission.objects.get().filename == "orders.edi"

    assert demo.remove() == []
    assert not Account.objects.exists()
    assert EnvelopeEvent.objects.exists()


def test_partner_of_the_demo_has_no_password_before_somebody_resets_it():
    demo.load(NOW)

    for integration in Integration.objects.all():
        assert integration.sftp.password_hash == ""


def test_an_account_of_that_name_is_left_alone():
    Account.objects.create(name="Example Trading")

    demo.load(NOW)

    assert not Integration.objects.exists()
    assert demo.remove() == []
    assert Account.objects.exists()


@pytest.mark.parametrize("name", ["Orders from EDIFACT", "Order responses to EDIFACT"])
def test_rules_of_the_demo_run(name):
    demo.load(NOW)
    rule = ConversionRule.objects.get(name=name)
    example = (demo.EXAMPLES / "orders.edi").read_bytes()
    if rule.direction == "in":
        example = executing.example_of(rule.template_version)

    done = executing.execute(rule, [], example, "orders.edi", at=NOW)

    assert done.is_good, done.messages
    assert done.digest == rule.verified_digest
