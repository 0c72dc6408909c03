from __future__ import annotations

import pytest

from omnichannel import event_schema
from omnichannel.models import Event
from omnichannel.shipped_events import SHIPPED, VARIABLES, ensure_shipped_events

pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped():
    ensure_shipped_events()


def test_every_shipped_event_has_sample_data_that_fits(shipped):
    for event in Event.objects.all():
        event.clean_fields()
        event_schema.check(event.variables_schema, event.sample_data)

    assert Event.objects.filter(is_shipped=True).count() == len(SHIPPED)


def test_every_described_variable_is_used_by_an_event(shipped):
    used = {name for event in Event.objects.all() for name in event.sample_data}

    assert used == set(VARIABLES)


def test_a_deleted_event_stays_away(shipped):
    Event.objects.get(key="order-placed").delete()

    assert ensure_shipped_events() == 0
    assert not Event.objects.filter(key="order-placed").exists()


def test_what_an_operator_changed_is_left_alone(shipped):
    Event.objects.filter(key="welcome").update(name="Hello", is_active=False)

    ensure_shipped_events()

    assert Event.objects.filter(key="welcome", name="Hello", is_active=False).exists()
