"""Recipients who change their mind without end."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from omnichannel import preferences
from omnichannel.models import Consent
from tests.omnichannel.test_unsubscribe import is_barred, make_promotion, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger():
    return Client(enforce_csrf_checks=True)


def test_who_goes_to_and_fro_without_end_fills_no_table_and_stays_out(stranger):
    message = make_promotion()
    path = path_of(message)

    for _ in range(preferences.MOST_A_DAY + 5):
        stranger.post(path, {"do": "unsubscribe"})
        answer = stranger.post(path, {"do": "undo"})
    page = stranger.get(answer["Location"]).content.decode()

    assert Consent.objects.filter(is_granted=True).count() == preferences.MOST_A_DAY
    assert Consent.objects.count() == 2 * preferences.MOST_A_DAY + 1
    assert is_barred(message)
    assert "many times today" in page


def test_the_next_day_they_may_come_back(stranger, time_machine):
    message = make_promotion()
    path = path_of(message)
    for _ in range(preferences.MOST_A_DAY + 1):
        stranger.post(path, {"do": "unsubscribe"})
        stranger.post(path, {"do": "undo"})
    time_machine.move_to(timezone.now() + preferences.A_DAY)

    stranger.post(f"{path}preferences/", {"promotional": "on"})

    assert not is_barred(message)
