from __future__ import annotations

import datetime

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from config.schedule import PERIODIC_TASKS
from integrations import certificates, leases, tasks
from integrations.choices import Protocol
from integrations.delivering import deliver_due
from integrations.models import (
    As2Connection,
    EnvelopeDelivery,
    EnvelopeEvent,
    FolderFile,
    Transmission,
)
from integrations.processing import process_due
from omnichannel.models import Message
from tests.factories_integrations import make_as2, make_integration
from tests.integrations.flows.moments import NOW

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("free_to_run")
def test_a_tick_takes_a_partners_file_all_the_way(drop, house_integration):
    integration = house_integration()
    for number in range(26):  # more than a batch
        drop(name=f"{number}.txt", at=timezone.now())

    assert tasks.process_transmissions() == 26
    assert tasks.deliver_envelopes() == 26

    assert FolderFile.objects.filter(integration=integration).count() == 26


def test_nothing_is_processed_while_the_installation_is_held(drop, monkeypatch):
    from omnichannel import installation

    monkeypatch.setattr(installation, "is_held", lambda: True)
    drop()

    assert tasks.process_transmissions() == 0
    assert Transmission.objects.get().status == "received"


def test_every_task_is_on_the_schedule_or_rung():
    scheduled = {row.task for row in PERIODIC_TASKS}

    for name in ("process_transmissions", "deliver_envelopes", "expire_envelopes"):
        assert f"integrations.tasks.{name}" in scheduled


@pytest.mark.usefixtures("mailer")
def test_certificate_that_ends_soon_is_told_to_the_partner(account):
    as2 = make_as2(make_integration(protocol=Protocol.AS2, notify_email="edi@example.com"))
    with time_machine.travel(NOW):
        certificates.ensure(as2, at=NOW)
    ends = certificates.parse(As2Connection.objects.get().self_certificate.encode()).not_after

    for minutes in (9, 5):
        at = ends - datetime.timedelta(days=7, minutes=minutes)
        with time_machine.travel(at, tick=False):
            tasks.certificate_watch()

    told = Message.objects.filter(subject__contains="expires")
    assert told.count() == 1
    assert EnvelopeEvent.objects.filter(detail__has_key="key").count() == 1


@pytest.mark.parametrize(("step", "most"), [(process_due, 17), (deliver_due, 19)])
def test_a_further_file_costs_a_few_statements(
    drop, house_integration, step, most, django_assert_max_num_queries
):
    house_integration()
    for number in range(10):
        drop(name=f"{number}.txt", at=timezone.now())
    if step is deliver_due:
        process_due(timezone.now())

    with django_assert_max_num_queries(20 + 10 * most):
        step(timezone.now())


@pytest.mark.parametrize("model", [Transmission, EnvelopeDelivery])
def test_what_is_to_be_looked_at_is_found_by_its_index(model):
    rows = leases.to_look_at(model.objects.all()).order_by("pk")[:25]

    if connection.vendor == "sqlite":
        assert "to_look_at" in rows.explain()
