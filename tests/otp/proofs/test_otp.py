"""The proof of one-time passwords holds, in small, and notices a guard that is gone."""

from __future__ import annotations

import pytest
from django.utils import timezone

from omnichannel import instant, originals
from omnichannel.management.measuring import modules
from omnichannel.proofs.base import ProofFailed
from otp import limits
from otp.models import OtpConfiguration
from otp.proofs import attacker, otp, pump, ways
from otp.proofs.attacker import STRATEGIES, Target, attack
from tests.otp.conftest import InThisThread

pytestmark = pytest.mark.django_db


@pytest.fixture
def usual(db, monkeypatch):
    monkeypatch.setattr(instant, "_pool", InThisThread())
    monkeypatch.setattr(instant, "close_old_connections", lambda: None)
    originals.ensure()
    return ways.prepare()


def figures(found):
    return {figure.name: figure for figure in found}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_gets_more_guesses_than_the_limit_of_a_day(usual, strategy):
    target = Target(usual.purpose, usual.length, is_default=True)

    assert attack(strategy, target, timezone.now()) == usual.failures_per_destination_day


@pytest.mark.slow
def test_proof_notices_that_guesses_are_not_limited(usual, monkeypatch):
    monkeypatch.setattr(limits.Locked, "full", lambda locked: None)
    monkeypatch.setattr(otp, "STRATEGIES", (attacker.as_others,))
    monkeypatch.setattr(attacker, "DAY", attacker.DAY / 200)
    monkeypatch.setattr(attacker, "STEP", 10)

    found = figures(otp._guessing(usual, "", timezone.now()))

    assert found["otp.guesses_per_day"].broken()


def test_attacker_who_could_not_even_try_is_no_proof(usual, monkeypatch):
    OtpConfiguration.objects.update(countries=["RO"])
    monkeypatch.setattr(otp, "STRATEGIES", (attacker.ask_anew,))
    monkeypatch.setattr(attacker, "DAY", attacker.DAY / 200)

    with pytest.raises(ProofFailed, match="ask anew"):
        list(otp._guessing(usual, "", timezone.now()))


def test_pump_is_stopped_and_nobody_abroad_notices(usual):
    OtpConfiguration.objects.update(conversion_after=20)
    usual.refresh_from_db()

    found = figures(otp._pumping(pump.pump(40, timezone.now()), usual))

    assert found["otp.sends_before_pump_stopped"].value == 20
    assert not any(figure.broken() for figure in found.values())
    assert found["otp.refused_in_another_country"].n >= 2


def test_proof_notices_a_pump_that_is_not_stopped(usual):
    OtpConfiguration.objects.update(conversion_floor_percent=0)

    found = figures(otp._pumping(pump.pump(12, timezone.now()), usual))

    assert found["otp.sends_after_pump_stopped"].broken()


def test_patient_pump_gets_no_more_than_the_limit_of_a_prefix(usual):
    OtpConfiguration.objects.update(sends_per_prefix_hour=6)

    assert pump.patient_pump(2, timezone.now()) == [6, 6]


def test_proof_can_be_named():
    assert modules("proofs")["otp"] is otp
