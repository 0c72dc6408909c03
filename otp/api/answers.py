"""What the calls about codes answer. None of it is the code, or tells whose a destination is."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from otp.asking import Checked, Sent
from otp.choices import UNKNOWN_NUMBER, ChallengeStatus, OtpChannel, Refusal, Verdict
from otp.destinations import Destination
from otp.models import OtpChallenge

UNKNOWN = "unknown"
STATUSES = [*ChallengeStatus.choices, (UNKNOWN, "Unknown")]
NUMBERS = "0 unknown, 1 incomplete, 2 successful, 3 failed, 4 expired."
# Of a check. One that was used already has failed: only the first use is a success.
CHECK_NUMBERS = {
    Verdict.UNKNOWN: 0,
    Verdict.INCORRECT: 1,
    Verdict.APPROVED: 2,
    Verdict.EXHAUSTED: 3,
    Verdict.USED: 3,
    Verdict.EXPIRED: 4,
}


class NumberField(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=4, help_text=NUMBERS, **kwargs)


class OtpSentSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    request_id = serializers.CharField(help_text="Empty when nothing was tried.")
    masked_to = serializers.CharField(help_text="Where it went, for the end user to see.")
    expires_at = serializers.DateTimeField()
    resend_after = serializers.IntegerField(help_text="Seconds, until a new code may be asked for.")
    tries_left = serializers.IntegerField()
    code = serializers.ChoiceField(
        Refusal.choices, allow_blank=True, help_text="Why it was not sent; empty when it was."
    )
    message = serializers.CharField(help_text="For the end user to see.")


class OtpResentSerializer(OtpSentSerializer):
    channel = serializers.ChoiceField(OtpChannel.choices)
    client_ip_missing = serializers.BooleanField(
        help_text="The address of your own system counted for the limit of an address."
    )


class OtpSendReplySerializer(serializers.Serializer[Any]):
    """Each channel has a request of its own; null: nothing goes by it now."""

    sms = OtpSentSerializer(allow_null=True)
    email = OtpSentSerializer(allow_null=True)
    client_ip_missing = serializers.BooleanField(
        help_text="The address of your own system counted for the limit of an address."
    )


class OtpCheckedSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField(help_text="True for approved, and nothing else.")
    status = serializers.ChoiceField(Verdict.choices)
    status_number = NumberField()
    tries_left = serializers.IntegerField()
    channel = serializers.CharField(help_text="When it is approved: sms or email.")
    purpose = serializers.CharField(help_text="When it is approved.")
    to = serializers.CharField(help_text="The number or address, when it is approved.")


class OtpStatusSerializer(serializers.Serializer[Any]):
    request_id = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    status_number = NumberField()
    channel = serializers.CharField()
    purpose = serializers.CharField()
    masked_to = serializers.CharField()
    tries_left = serializers.IntegerField()
    sends = serializers.IntegerField(help_text="How many codes were sent in a row.")
    resend_after = serializers.IntegerField(help_text="Seconds, until a new code may be asked for.")
    created_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    used_at = serializers.DateTimeField(allow_null=True)


class OtpCancelledSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField(help_text="False: there was nothing to cancel.")
    request_id = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    status_number = NumberField()


def sent_data(sent: Sent) -> dict[str, Any]:
    values = sent._asdict()
    del values["channel"]
    return {**values, "expires_at": _moment(sent.expires_at)}


def reply_data(sent: Sequence[Sent]) -> dict[str, Any]:
    by_channel = {each.channel: sent_data(each) for each in sent}
    return {channel.value: by_channel.get(channel.value) for channel in OtpChannel}


def checked_data(checked: Checked) -> dict[str, Any]:
    is_approved = checked.verdict == Verdict.APPROVED
    row = checked.challenge if is_approved else None
    return {
        "success": is_approved,
        "status": str(checked.verdict),
        "status_number": CHECK_NUMBERS[checked.verdict],
        "tries_left": checked.tries_left,
        "channel": row.channel if row else "",
        "purpose": row.purpose if row else "",
        "to": row.destination if row else "",
    }


def status_data(request_id: str, row: OtpChallenge | None, at: datetime.datetime) -> dict[str, Any]:
    if row is None:
        return {**_nothing(), **status_words(request_id, None)}
    is_pending = row.status == ChallengeStatus.PENDING
    return {
        **status_words(request_id, row),
        "channel": row.channel,
        "purpose": row.purpose,
        "masked_to": Destination(row.channel, row.destination, row.prefix).masked,
        "tries_left": row.tries_left if is_pending else 0,
        "sends": row.sends,
        "resend_after": max(0, math.ceil((row.resend_at - at).total_seconds())),
        "created_at": _moment(row.created_at),
        "expires_at": _moment(row.expires_at),
        "used_at": _moment(row.used_at),
    }


def _nothing() -> dict[str, Any]:
    counts = dict.fromkeys(("tries_left", "sends", "resend_after"), 0)
    moments = dict.fromkeys(("created_at", "expires_at", "used_at"))
    return {"channel": "", "purpose": "", "masked_to": "", **counts, **moments}


def status_words(request_id: str, row: OtpChallenge | None) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "status": row.status if row else UNKNOWN,
        "status_number": ChallengeStatus(row.status).number if row else UNKNOWN_NUMBER,
    }


def _moment(at: datetime.datetime | None) -> str | None:
    field = serializers.DateTimeField()
    return None if at is None else field.to_representation(at)
