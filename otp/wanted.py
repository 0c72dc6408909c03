"""A request, checked: what each channel is to send, and by which configuration."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnichannel.exceptions import InvalidMessage
from omnichannel.json_limits import too_deep, unstorable
from omnichannel.submissions.recipients import is_language
from otp import contents, destinations
from otp.asking import Asked, ChannelAsked, InvalidOtp, OtpRefused
from otp.choices import OtpChannel, Refusal
from otp.destinations import Destination
from otp.models import OtpChallenge, OtpConfiguration, TestNumber
from otp.models.configurations import LENGTHS, LONGEST_SECONDS, SHORT_LENGTH, SHORT_TRIES

PURPOSE = re.compile(r"[A-Za-z0-9_-]{1,40}")
OWN = ("code", "minutes", "purpose_label", "webotp_domain", "global", "system", "language")
LONGEST_CALLER = 60
LONGEST_AGENT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One channel's part of a request."""

    configuration: OtpConfiguration
    purpose: str
    destination: Destination
    own: ChannelAsked
    caller: str
    is_test: bool = False
    client_ip: str | None = None
    user_agent: str = ""
    fallback_to: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    fixed_code: str = ""  # of a test number

    @property
    def channel(self) -> str:
        return self.destination.channel

    @property
    def length(self) -> int:
        return self.own.length or self.configuration.length

    @property
    def life(self) -> datetime.timedelta:
        return self.own.expires_in or self.configuration.life

    @property
    def tries(self) -> int:
        tries = self.configuration.tries
        return min(tries, SHORT_TRIES) if self.length <= SHORT_LENGTH else tries


def configuration_of(purpose: str) -> OtpConfiguration:
    """That of the purpose, else the default one, else the usual values."""
    rows = OtpConfiguration.objects.all()
    found = rows.filter(purpose=purpose).first() if purpose else None
    return found or rows.filter(is_default=True).first() or OtpConfiguration.defaults()


def configuration_for(purpose: str) -> OtpConfiguration:
    """The same, to send by. Raises OtpRefused."""
    found = configuration_of(purpose)
    if not found.is_active:
        raise OtpRefused(Refusal.INACTIVE, str(Refusal.INACTIVE.label))
    return found


def checked(asked: Asked) -> list[Wanted]:
    """In the order in which they are sent. Raises InvalidOtp with all that is wrong, OtpRefused."""
    faults = _faults(asked)
    found: dict[str, Destination] = {}
    for channel, name in ((OtpChannel.SMS, "mobile"), (OtpChannel.EMAIL, "email")):
        text = getattr(asked, name)
        try:
            if text:
                found[channel] = destinations.of(channel, text)
        except InvalidMessage as error:
            faults.append((name, str(error)))
    if not (asked.mobile or asked.email):
        faults.append(("mobile", "Give a mobile number, an e-mail address or both."))
    if faults:
        raise InvalidOtp(faults)
    configuration = configuration_for(asked.purpose)
    wanted = [_wanted(asked, configuration, one, found) for one in found.values()]
    if asked.same_code and len({one.length for one in wanted}) > 1:
        text = "The channels have codes of different lengths: ask for the same, or for two codes."
        raise InvalidOtp([("same_code", text)])
    return wanted


def _wanted(
    asked: Asked,
    configuration: OtpConfiguration,
    destination: Destination,
    found: Mapping[str, Destination],
) -> Wanted:
    may_fall_back = configuration.fallback_after and not asked.no_fallback
    other = found.get(OtpChannel.EMAIL) if destination.channel == OtpChannel.SMS else None
    return Wanted(
        configuration=configuration,
        purpose=asked.purpose or configuration.purpose,
        destination=destination,
        own=asked.overrides.get(destination.channel) or ChannelAsked(),
        caller=asked.caller,
        is_test=asked.is_test,
        client_ip=asked.client_ip or None,
        user_agent=asked.user_agent[:LONGEST_AGENT],
        fallback_to=other.address if other and may_fall_back else "",
        context=context_of(asked),
        fixed_code=fixed_code(destination.address) if asked.is_test else "",
    )


def wanted_again(
    challenge: OtpChallenge, channel: str, address: str, *, client_ip: str = ""
) -> Wanted:
    """The same request by this channel once more. Raises OtpRefused, InvalidMessage."""
    is_other = channel != challenge.channel
    return Wanted(
        configuration=configuration_for(challenge.purpose),
        purpose=challenge.purpose,
        destination=destinations.of(channel, address),
        own=own_of(challenge.context, channel),
        caller=challenge.caller,
        is_test=challenge.is_test,
        client_ip=client_ip or challenge.client_ip,
        user_agent=challenge.user_agent,
        fallback_to="" if is_other else challenge.fallback_to,
        context=challenge.context,
        fixed_code=fixed_code(address) if challenge.is_test else "",
    )


def fixed_code(address: str) -> str:
    """Of a test number; empty for all others. To be asked for test keys only."""
    row = TestNumber.objects.filter(destination=address, is_active=True).first()
    return row.code if row else ""


def context_of(asked: Asked) -> dict[str, Any]:
    """What a further send of the same request needs."""
    overrides = {
        channel: {
            "length": own.length,
            "expires_in": own.expires_in.total_seconds() if own.expires_in else None,
            "template": own.template,
            "provider": own.provider,
        }
        for channel, own in asked.overrides.items()
    }
    return {"variables": dict(asked.variables), "language": asked.language, "own": overrides}


def own_of(context: Mapping[str, Any], channel: str) -> ChannelAsked:
    """As `context_of` wrote it down."""
    kept = context.get("own", {}).get(channel)
    if not kept:
        return ChannelAsked()
    seconds = kept["expires_in"]
    life = None if seconds is None else datetime.timedelta(seconds=seconds)
    return ChannelAsked(kept["length"], life, kept["template"], kept["provider"])


def _faults(asked: Asked) -> list[tuple[str, str]]:
    faults = []
    if asked.purpose and not PURPOSE.fullmatch(asked.purpose):
        faults.append(("purpose", "Letters, digits, - and _, 40 at most."))
    if len(asked.caller) > LONGEST_CALLER:
        faults.append(("caller", f"At most {LONGEST_CALLER} characters."))
    if asked.language and not is_language(asked.language):
        faults.append(("language", "Give a language such as pt or pt-BR."))
    faults += _faults_of_visitor(asked)
    for name in OWN:
        if name in asked.variables:
            faults.append((f"variables.{name}", "This name is the template's own."))
    variables = dict(asked.variables)
    if text := unstorable(variables):
        faults.append(("variables", text))
    elif too_deep(variables):
        faults.append(("variables", "They are nested too deeply."))
    for channel, own in asked.overrides.items():
        faults += _faults_of(channel, own) + contents.faults_of(channel, own)
    return faults


def _faults_of_visitor(asked: Asked) -> list[tuple[str, str]]:
    faults = []
    if asked.client_ip and not _is_ip(asked.client_ip):
        faults.append(("client_ip", "This is no IP address."))
    if text := unstorable(asked.user_agent):
        faults.append(("user_agent", text))
    return faults


def _faults_of(channel: str, own: ChannelAsked) -> list[tuple[str, str]]:
    if channel not in OtpChannel.values:
        return [(f"overrides.{channel}", "There is no such channel: sms or email.")]
    faults = []
    if own.length is not None and own.length not in dict(LENGTHS):
        faults.append((f"overrides.{channel}.length", "A code has 4, 6 or 8 characters."))
    most = datetime.timedelta(seconds=LONGEST_SECONDS)
    least = datetime.timedelta(seconds=1)
    if own.expires_in is not None and not least <= own.expires_in <= most:
        text = f"A code is valid for 1 to {LONGEST_SECONDS} seconds."
        faults.append((f"overrides.{channel}.expires_in", text))
    return faults


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone says something only to the machine that wrote it
