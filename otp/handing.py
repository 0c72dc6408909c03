"""A code on its way to its recipient, within the call that asks for it."""

from __future__ import annotations

import datetime
import math
import time
from typing import Any

from omnichannel import instant, unkept
from omnichannel.choices import Category, MessageStatus, Priority
from omnichannel.exceptions import CannotSendNow, InvalidSubmission, NoProvider
from omnichannel.models import Message
from omnichannel.submissions import Queued, Submission
from otp import contents, guard, trail
from otp.asking import Sent
from otp.choices import ChallengeStatus, EntryKind, OtpChannel, Refusal
from otp.guard import Refused
from otp.issuing import Issued
from otp.models import OtpChallenge
from otp.wanted import Wanted

SECONDS = 5.0  # that a caller waits for a provider
SENT = "A code was sent."
UNKEPT = frozenset({"code"})
# What a caller may have named for the channel; else it is the configuration's.
OVERRIDDEN = ("template", "provider")
NOT_TAKEN = (MessageStatus.FAILED, MessageStatus.SUPPRESSED, MessageStatus.EXPIRED)


class InvalidContent(InvalidSubmission):
    """The caller's template or variables do not do. Nothing was sent."""


def hand_over(wanted: Wanted, issued: Issued, *, at: datetime.datetime) -> Sent:
    """Raises InvalidContent."""
    challenge, code = issued.challenge, issued.code
    try:
        message = _send(wanted, issued, at)
    except InvalidSubmission as error:
        faults = [(name, text.replace(code, unkept.MASK)) for name, text in error.faults]
        _failed(challenge, faults[0][1], at)
        if named := _named(wanted, faults):
            raise InvalidContent(named) from None
        return told(wanted, challenge, Refusal.PROVIDER, at)
    except (CannotSendNow, NoProvider) as error:
        _failed(challenge, str(error).replace(code, unkept.MASK), at)
        guard.give_back(wanted, issued.counted, at)
        sent = told(wanted, challenge, Refusal.PROVIDER, at)
        wait = getattr(error, "retry_after", None)
        return sent._replace(resend_after=math.ceil(wait)) if wait else sent
    if message.status in NOT_TAKEN:
        _failed(challenge, message.error_message, at)
        is_barred = message.status == MessageStatus.SUPPRESSED
        return told(wanted, challenge, Refusal.SUPPRESSED if is_barred else Refusal.PROVIDER, at)
    return told(wanted, challenge, None, at)


def _named(wanted: Wanted, faults: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that are the caller's to mend, by the names that the caller gave."""
    named = []
    for name, text in faults:
        if name in OVERRIDDEN and getattr(wanted.own, name) is not None:
            named.append((f"overrides.{wanted.channel}.{name}", text))
        elif name.partition(".")[0] == "variables":
            named.append((name, text))
    return named


def _send(wanted: Wanted, issued: Issued, at: datetime.datetime) -> Message:
    challenge = issued.challenge

    def claimed(queued: Queued) -> None:
        """In one transaction with the claim: before it, nothing can be handed over."""
        _settle_in(challenge, queued, at)

    return instant.send(
        _submission(wanted, issued),
        at=at,
        until=time.monotonic() + SECONDS,
        claimed=claimed,
    )


def _settle_in(challenge: OtpChallenge, queued: Queued, at: datetime.datetime) -> None:
    message = Message.objects.select_related("provider", "template_version__template").get(
        pk=queued.id
    )
    rows = OtpChallenge.objects.filter(
        pk=challenge.pk, status=ChallengeStatus.PENDING, digest=challenge.digest
    )
    if not rows.update(
        message=message, provider=message.provider, template_version=message.template_version
    ):
        raise CannotSendNow("A newer code has taken the place of this one.")
    challenge.message, challenge.provider = message, message.provider
    challenge.template_version = message.template_version
    trail.of_challenge(challenge, EntryKind.SENT, at=at)


def _submission(wanted: Wanted, issued: Issued) -> Submission:
    by, to = wanted.configuration, wanted.destination
    recipient: dict[str, Any] = {"to_address": to.address}
    if language := wanted.context.get("language"):
        recipient["language"] = language
    variables = {
        **wanted.context.get("variables", {}),
        "code": issued.code,
        "minutes": math.ceil(wanted.life.total_seconds() / 60),
        "purpose_label": by.name or wanted.purpose,
        "webotp_domain": by.webotp_domain if to.channel == OtpChannel.SMS else "",
    }
    return Submission(
        recipients=[recipient],
        is_single=True,
        variables=variables,
        template=_template(wanted),
        provider=wanted.own.provider or getattr(by, f"{to.channel}_provider_id"),
        channel_type=to.channel,
        category=Category.OTP,
        priority=Priority.URGENT,
        ends_at=issued.challenge.expires_at,
        uses_sandbox=wanted.is_test,
        unkept=UNKEPT,
    )


def _template(wanted: Wanted) -> int | str:
    """The one asked for, the configuration's, or the one that came with the product."""
    chosen: int | None = getattr(wanted.configuration, f"{wanted.channel}_template_id")
    named = wanted.own.template or chosen
    # Since it was named another text of it may have been published.
    if named and (text := contents.template_trouble(wanted.channel, named)):
        raise InvalidSubmission([("template", text)])
    return contents.template_of(wanted.channel, named or contents.USUAL)


def _failed(challenge: OtpChallenge, detail: str, at: datetime.datetime) -> None:
    rows = OtpChallenge.objects.filter(
        pk=challenge.pk, status=ChallengeStatus.PENDING, digest=challenge.digest
    )
    if rows.update(status=ChallengeStatus.FAILED):
        challenge.status = ChallengeStatus.FAILED
    trail.of_challenge(challenge, EntryKind.NOT_SENT, at=at, outcome="provider", detail=detail)


def told(
    wanted: Wanted, challenge: OtpChallenge, refusal: Refusal | None, at: datetime.datetime
) -> Sent:
    """What the caller is told of a request that there is."""
    wait = 0.0 if refusal else (challenge.resend_at - at).total_seconds()
    return Sent(
        channel=wanted.channel,
        success=refusal is None,
        request_id=challenge.request_id.hex,
        message=str(refusal.label) if refusal else SENT,
        masked_to=wanted.destination.masked,
        expires_at=challenge.expires_at,
        resend_after=math.ceil(max(0.0, wait)),
        tries_left=0 if refusal else challenge.tries_left,
        code=refusal.value if refusal else "",
    )


def told_refused(
    wanted: Wanted, refused: Refused, at: datetime.datetime, request_id: str = ""
) -> Sent:
    """And of one that there is not, or that goes on as it was."""
    return Sent(
        channel=wanted.channel,
        success=False,
        request_id=request_id,
        message=str(refused.refusal.label),
        masked_to=wanted.destination.masked,
        expires_at=at,
        resend_after=math.ceil(refused.wait),
        tries_left=0,
        code=refused.refusal.value,
    )
