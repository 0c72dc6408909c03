"""One-time passwords: send, check, send again, cancel, and what became of one."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from omnichannel.api.auth import key_of
from omnichannel.api.idempotency import idempotent
from omnichannel.api.problems import MEDIA_TYPE
from omnichannel.api.schema import PROBLEM
from omnichannel.choices import Scope
from otp import engine
from otp.api.answers import (
    OtpCancelledSerializer,
    OtpCheckedSerializer,
    OtpResentSerializer,
    OtpSendReplySerializer,
    OtpStatusSerializer,
    checked_data,
    reply_data,
    sent_data,
    status_data,
    status_words,
)
from otp.api.asked import (
    OtpAskSerializer,
    OtpCancelSerializer,
    OtpCheckSerializer,
    OtpResendSerializer,
    asked_by,
    body_of,
    caller_of,
    ip_of,
)
from otp.api.refusals import need_one, refusals
from otp.api.throttling import StatusLookups
from otp.api.values import request_id as as_stored
from otp.asking import Checked
from otp.choices import Verdict

NAME = OpenApiParameter("request_id", str, OpenApiParameter.PATH)
UNAVAILABLE = {(503, MEDIA_TYPE): PROBLEM}
# The page of the API fills the form with it; values made up from the schema would be refused.
A_SEND = OpenApiExample(
    "A code by e-mail",
    {"purpose": "login", "email": "ana@example.com", "client_ip": "198.51.100.7"},
    request_only=True,
)
NO_SUCH = Checked(Verdict.UNKNOWN, 0, None)


class OneTimePasswords(ViewSet):
    """Send codes and check them. A request belongs to the key that made it: to any other it is
    unknown.
    """

    write_scope = Scope.OTP
    lookup_field = "request_id"
    lookup_value_converter = "str"

    def get_throttles(self) -> list[BaseThrottle]:
        own: list[BaseThrottle] = [StatusLookups()] if self.action == "retrieve" else []
        return [*super().get_throttles(), *own]

    @extend_schema(
        request=OtpAskSerializer,
        responses={201: OtpSendReplySerializer, **UNAVAILABLE},
        examples=[A_SEND],
    )
    @action(detail=False, methods=["post"])
    @idempotent(in_transaction=False)
    def send(self, request: Request) -> Response:
        """Send a code by SMS, by e-mail, or by both. It replaces the one before.

        The answer is the same whether the destination is known or not. 503: its provider is down;
        nothing was sent.
        """
        given = body_of(OtpAskSerializer, request)
        is_missing = not given["client_ip"]
        with refusals():
            sent = engine.send(asked_by(request, given), at=timezone.now())
        need_one(sent)
        return Response({**reply_data(sent), "client_ip_missing": is_missing}, status=201)

    # A repeated check is a check of its own: neither it nor the code is kept for an answer.
    @extend_schema(request=OtpCheckSerializer, responses=OtpCheckedSerializer)
    @action(detail=False, methods=["post"])
    def verify(self, request: Request) -> Response:
        """Check a code. A wrong one is no error: `status` says what it is."""
        given = body_of(OtpCheckSerializer, request)
        checked = self._checked(request, given) if given["request_id"] else NO_SUCH
        return Response(checked_data(checked))

    def _checked(self, request: Request, given: dict[str, Any]) -> Checked:
        return engine.verify(
            given["request_id"],
            given["code"],
            at=timezone.now(),
            caller=caller_of(request),
            purpose=given["purpose"],
            client_ip=ip_of(request, given),
            is_test=key_of(request).is_test,
        )

    @extend_schema(request=OtpResendSerializer, responses={200: OtpResentSerializer, **UNAVAILABLE})
    @action(detail=False, methods=["post"])
    @idempotent(in_transaction=False)
    def resend(self, request: Request) -> Response:
        """Send a new code for a request, by the same channel or the other. The old one is void."""
        given = body_of(OtpResendSerializer, request)
        with refusals():
            sent = engine.resend(
                given["request_id"],
                at=timezone.now(),
                caller=caller_of(request),
                channel=given["channel"],
                client_ip=ip_of(request, given),
            )
        need_one([sent])
        own = {"channel": sent.channel, "client_ip_missing": not given["client_ip"]}
        return Response({**sent_data(sent), **own})

    @extend_schema(request=OtpCancelSerializer, responses=OtpCancelledSerializer)
    @action(detail=False, methods=["post"])
    def cancel(self, request: Request) -> Response:
        """No code of the request is accepted any more."""
        name, caller, at = (
            body_of(OtpCancelSerializer, request)["request_id"],
            caller_of(request),
            timezone.now(),
        )
        is_done = bool(name) and engine.cancel(name, at=at, caller=caller)
        row = engine.status_of(name, at=at, caller=caller) if name else None
        return Response({"success": is_done, **status_words(name, row)})

    @extend_schema(parameters=[NAME], responses=OtpStatusSerializer)
    def retrieve(self, request: Request, request_id: str) -> Response:
        """What became of a request: at most 60 lookups a minute for a key."""
        name, at = as_stored(request_id), timezone.now()
        row = engine.status_of(name, at=at, caller=caller_of(request)) if name else None
        return Response(status_data(name, row, at))
