"""One-time passwords against who guesses them and who earns from them, over a day of any clock."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.utils import timezone

from omnichannel.benchmarks.base import Figure
from omnichannel.proofs.base import ProofFailed, ProofOptions, Size
from otp.models import OtpConfiguration
from otp.models.configurations import SHORT_FAILURES, SHORT_LENGTH, SHORT_TRIES
from otp.proofs import ways
from otp.proofs.attacker import STRATEGIES, Target, attack
from otp.proofs.pump import Pumped, patient_pump, pump

NAME = "otp"
USUAL = Size(n=10_000, times=24)  # n: numbers of one prefix; times: hours of a patient pump
SHORT = Size(n=200, times=2)

MOST_CHANCE = 1e-3  # a day and destination


def run(options: ProofOptions) -> Iterator[Figure]:
    """The best of the attackers, with six digits and with four; then the pump."""
    usual = ways.prepare()
    short = _short_codes()
    at = timezone.now()
    yield from _guessing(usual, "", at)
    yield from _guessing(short, "_four_digits", at)
    yield from _pumping(pump(options.n, at), usual)
    hourly = patient_pump(options.times, at)
    yield Figure(
        "otp.patient_pump_sends_per_hour",
        max(hourly),
        "messages",
        sum(hourly),
        at_most=usual.sends_per_prefix_hour,
        at_least=1,
        meaning="Who enters some of the codes gets more of them than the limit of a prefix.",
    )


def _short_codes() -> OtpConfiguration:
    return OtpConfiguration.objects.create(
        purpose="short",
        name="Short",
        countries=ways.COUNTRIES,
        length=SHORT_LENGTH,
        tries=SHORT_TRIES,
        failures_per_destination_day=SHORT_FAILURES,
    )


def _guessing(by: OtpConfiguration, which: str, at: datetime.datetime) -> Iterator[Figure]:
    found = {}
    for strategy in STRATEGIES:
        target = Target(by.purpose, by.length, by.is_default)
        found[strategy.__name__.replace("_", " ")] = attack(strategy, target, at)
    idle = [name for name, guesses in found.items() if not guesses]
    if idle:
        raise ProofFailed(f"No guess was compared for who goes about it so: {', '.join(idle)}.")
    best = max(found, key=lambda name: found[name])
    yield Figure(
        f"otp.guess_chance_per_day{which}",
        found[best] / 10**by.length,
        "chance",
        len(found),
        at_most=MOST_CHANCE,
        meaning=f"Codes can be guessed. The best strategy was: {best}.",
    )
    yield Figure(
        f"otp.guesses_per_day{which}",
        found[best],
        "guesses",
        len(found),
        at_most=by.failures_per_destination_day,
        meaning=f"More wrong codes than the limit were compared, by: {best}.",
    )


def _pumping(found: Pumped, by: OtpConfiguration) -> Iterator[Figure]:
    yield Figure(
        "otp.sends_before_pump_stopped",
        found.sends,
        "messages",
        found.asked,
        at_most=by.conversion_after,
        at_least=1,
        meaning="A prefix whose codes nobody enters goes on getting them.",
    )
    yield Figure(
        "otp.sends_after_pump_stopped",
        found.after + (0 if found.is_stopped else found.sends),
        "messages",
        found.asked,
        at_most=0,
        meaning="The pump was never stopped, or went on afterwards.",
    )
    yield Figure(
        "otp.refused_in_another_country",
        found.refused_abroad,
        "people",
        found.abroad,
        at_most=0,
        meaning="People elsewhere get no code, or cannot enter it, because of the pump.",
    )
