"""Sending, and what became of what was sent."""

from __future__ import annotations

import time
import uuid
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from omnichannel import instant, outbox, submissions
from omnichannel.api.auth import key_of
from omnichannel.api.idempotency import idempotent, provide, withdraw
from omnichannel.api.message_rows import (
    AcceptedSerializer,
    InstantReplySerializer,
    MessageDetailSerializer,
    MessageEventSerializer,
    MessageSerializer,
    accepted_data,
    instant_data,
    on_its_way,
)
from omnichannel.api.paging import Log
from omnichannel.api.problems import MEDIA_TYPE, Conflict
from omnichannel.api.schema import PROBLEM
from omnichannel.api.submission_form import (
    INSTANT,
    SUBMISSION,
    InstantSerializer,
    SubmissionSerializer,
)
from omnichannel.api.walked import Query, Walked
from omnichannel.choices import MessageStatus, Scope
from omnichannel.exceptions import CannotSendNow
from omnichannel.models import Message, MessageEvent
from omnichannel.models.messages import MessageQuerySet

OVER = frozenset(MessageStatus) - {MessageStatus.SENDING, MessageStatus.UNCERTAIN}
NAME = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Its id or its key.")


class Messages(GenericViewSet[Any]):
    """Queue messages, send one now, and see what became of them."""

    nouns = ("message", "messages")
    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    pagination_class = Walked
    filter_backends = ()
    write_scope = Scope.SEND
    lookup_value_converter = "str"

    @extend_schema(parameters=[Query], responses=MessageSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Messages by filter, newest first. A page may be short though `next` is there."""
        paginator = Walked()
        ids = [row[0] for row in paginator.find(request).rows]
        rows = sorted(self._rows().filter(pk__in=ids), key=lambda row: -row.pk)
        return paginator.get_paginated_response(MessageSerializer(rows, many=True).data)

    @extend_schema(request=SubmissionSerializer, responses={202: AcceptedSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Queue one message, or one for each of up to 1,000 recipients: all of them, or none.

        Answered when they are committed. Several recipients are one job.
        """
        given = SUBMISSION.run_validation(request.data)
        asked = SUBMISSION.submission(given, key_of(request))
        accepted = submissions.accept(asked, at=timezone.now())
        return Response(accepted_data(accepted), status=202)

    @extend_schema(
        request=InstantSerializer,
        responses={
            200: InstantReplySerializer,
            202: InstantReplySerializer,
            (503, MEDIA_TYPE): PROBLEM,
        },
    )
    @action(detail=False, methods=["post"], url_path="instant")
    @idempotent(in_transaction=False)
    def instant(self, request: Request) -> Response:
        """Send one message now, and answer what its provider said.

        202: it said nothing in time. The message has been handed over and is never handed over
        again by itself; its status says what became of it when that is known.
        503: nothing was sent, and nothing will be.
        """
        began = time.monotonic()
        given = INSTANT.run_validation(request.data)
        try:
            message = instant.send(
                INSTANT.submission(given, key_of(request)),
                at=timezone.now(),
                until=began + given["timeout"],
                claimed=lambda queued: provide(202, on_its_way(queued)),
            )
        except CannotSendNow:
            withdraw()
            raise
        status = 200 if message.status in OVER else 202
        return Response(instant_data(message), status=status)

    @extend_schema(parameters=[NAME], responses=MessageDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(MessageDetailSerializer(self._found(pk)).data)

    @extend_schema(parameters=[NAME], responses=MessageEventSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=Log)
    def events(self, request: Request, pk: str) -> Response:
        """What happened to it, the latest first."""
        rows: QuerySet[MessageEvent] = MessageEvent.objects.filter(message=self._found(pk))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(MessageEventSerializer(page, many=True).data)

    @extend_schema(parameters=[NAME], request=None, responses=MessageDetailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def requeue(self, request: Request, pk: str) -> Response:
        """Send it again: it ended without being taken, or may have."""
        return self._moved(request, pk, outbox.requeue, "be sent again")

    @extend_schema(parameters=[NAME], request=None, responses=MessageDetailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel it, if nobody has it in hand yet."""
        return self._moved(request, pk, outbox.cancel, "be cancelled")

    def _moved(self, request: Request, pk: str, move: Any, what: str) -> Response:
        message = self._found(pk)
        if key_of(request).is_test and message.provider.backend != "sandbox":
            raise Conflict("A test key touches only what went to the sandbox.")
        if not move(Message.objects.filter(pk=message.pk), at=timezone.now()):
            status = self._found(pk).get_status_display().lower()
            raise Conflict(f"The message is {status}: it cannot {what}.")
        return Response(MessageDetailSerializer(self._found(pk)).data)

    def _found(self, name: str) -> Message:
        """By its id or its key."""
        rows = self._rows()
        if name.isascii() and name.isdigit() and len(name) < 20 and int(name) < 2**63:
            found = rows.filter(pk=int(name)).first()
        else:
            try:
                found = rows.filter(key=uuid.UUID(name)).first()
            except ValueError:
                found = None
        if found is None:
            raise NotFound("There is no such message.")
        return found

    def _rows(self) -> MessageQuerySet:
        return Message.objects.select_related(
            "provider", "channel", "template_version", "provider_status"
        )
