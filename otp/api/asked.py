"""The bodies of calls: types and bounds here, all else in the engine."""

from __future__ import annotations

import datetime
from typing import Any

from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.request import Request

from omnichannel import visitors
from omnichannel.api.auth import key_of
from omnichannel.api.fields import StrictBoolean, StrictChar, StrictInteger, StrictSlug
from omnichannel.api.submission_form import LARGEST_ID, IdOrName
from omnichannel.submissions import LONGEST_LANGUAGE
from otp.api.values import Agent, ClientIp, RequestId, StrictSerializer, Variables
from otp.asking import Asked, ChannelAsked
from otp.choices import OtpChannel
from otp.models.configurations import LONGEST_SECONDS

LONGEST_PURPOSE = 40
LONGEST_TYPED = 64  # what a person may have typed for a code
OPTIONAL: dict[str, Any] = {"default": "", "allow_blank": True}


class OtpChannelAskedSerializer(StrictSerializer):
    """What one channel does otherwise than the configuration says."""

    length = StrictInteger(required=False, min_value=4, max_value=8, help_text="4, 6 or 8.")
    expires_in = StrictInteger(
        required=False, min_value=1, max_value=LONGEST_SECONDS, help_text="Seconds."
    )
    template = IdOrName(required=False, help_text="Its id or its code.")
    provider = StrictInteger(required=False, min_value=1, max_value=LARGEST_ID)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        if "expires_in" in values:
            values["expires_in"] = datetime.timedelta(seconds=values["expires_in"])
        return values


class OtpOverridesSerializer(StrictSerializer):
    sms = OtpChannelAskedSerializer(required=False)
    email = OtpChannelAskedSerializer(required=False)


class FromSerializer(StrictSerializer):
    """Who is at the other end of the calling system."""

    client_ip = ClientIp(
        **OPTIONAL,
        help_text="The end user's. Without it your own counts for the limit of an address.",
    )


class OtpAskSerializer(FromSerializer):
    """Give `mobile`, `email`, or both."""

    purpose = StrictSlug(
        **OPTIONAL,
        max_length=LONGEST_PURPOSE,
        help_text="What the code is for. Empty: the default configuration.",
    )
    mobile = StrictChar(
        **OPTIONAL, max_length=40, help_text="With + and the country code is safest."
    )
    email = StrictChar(**OPTIONAL, max_length=320)
    same_code = StrictBoolean(
        default=None, allow_null=True, help_text="One code on both channels. null: as configured."
    )
    overrides = OtpOverridesSerializer(required=False)
    variables = Variables(default=dict, help_text="For the template, beside the code.")
    language = StrictChar(
        **OPTIONAL,
        max_length=LONGEST_LANGUAGE,
        help_text="Of the recipient, such as pt-BR: which of the template's texts they get.",
    )
    user_agent = Agent(**OPTIONAL, help_text="The end user's.")
    no_fallback = StrictBoolean(
        default=False, help_text="The other channel does not take over when one fails."
    )


class OtpCheckSerializer(FromSerializer):
    request_id = RequestId()
    code = StrictChar(max_length=LONGEST_TYPED, help_text="As the end user typed it.")
    purpose = StrictSlug(
        **OPTIONAL,
        max_length=LONGEST_PURPOSE,
        help_text="A code for any other purpose is unknown. Empty: it is not compared.",
    )


class OtpResendSerializer(FromSerializer):
    request_id = RequestId()
    channel = serializers.ChoiceField(
        OtpChannel.choices, **OPTIONAL, help_text="Another one. Empty: the same."
    )


class OtpCancelSerializer(StrictSerializer):
    request_id = RequestId()


def body_of(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    body = form(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def caller_of(request: Request) -> str:
    """What a code is bound to: no other key may check it."""
    return f"key {key_of(request).prefix}"


def ip_of(request: Request, given: dict[str, Any]) -> str:
    """The end user's address, or else that of the calling system."""
    http: HttpRequest = request._request
    return given["client_ip"] or visitors.client_ip(http) or ""


def asked_by(request: Request, given: dict[str, Any]) -> Asked:
    ways = given.pop("overrides", {})
    return Asked(
        **{**given, "client_ip": ip_of(request, given)},
        overrides={channel: ChannelAsked(**way) for channel, way in ways.items()},
        caller=caller_of(request),
        is_test=key_of(request).is_test,
    )
