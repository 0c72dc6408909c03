"""What an operator may do with messages: one by a dialog, many by a page that counts first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from omnichannel import outbox, uncertain
from omnichannel.admin.base import (
    ActionVariant,
    BaseDialogForm,
    DestructiveDialog,
    StudioAdmin,
    action,
    row_id,
)
from omnichannel.choices import MessageStatus
from omnichannel.models import Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    name: str  # of the action on a list
    title: str
    warning: str

    @property
    def is_destructive(self) -> bool:
        return self.name == "cancel_selected"

    @property
    def variant(self) -> str:
        return "danger" if self.is_destructive else ""


@dataclass(frozen=True)
class Move(Step):
    sources: tuple[MessageStatus, ...]
    run: Callable[..., int]
    done: str
    why_left: str = "their state does not allow it, or they moved on meanwhile."


ENDED = "their end date has passed, their job was cancelled, or they moved on meanwhile."
REQUEUE = Move(
    "requeue_selected",
    "Requeue",
    "They are sent again, with all their attempts before them.",
    (
        MessageStatus.ERROR,
        MessageStatus.FAILED,
        MessageStatus.EXPIRED,
        MessageStatus.CANCELLED,
        MessageStatus.SUPPRESSED,
    ),
    outbox.requeue,
    "put back into the queue",
    ENDED,
)
CANCEL = Move(
    "cancel_selected",
    "Cancel",
    "They are not sent. What a worker has in hand already still goes.",
    MessageStatus.waiting(),
    outbox.cancel,
    "cancelled",
)
MARK_SENT = Move(
    "mark_sent_selected",
    "Mark as sent",
    "Do this when you know that they arrived.",
    (MessageStatus.UNCERTAIN,),
    outbox.resolve_as_sent,
    "marked as sent",
)
SEND_AGAIN = Move(
    "send_again_selected",
    "Send again",
    "Nobody knows whether they arrived: a recipient may get the message twice.",
    (MessageStatus.UNCERTAIN,),
    outbox.requeue,
    "put back into the queue",
    ENDED,
)


def dialog(move: Step, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "description": "1 message. " + move.warning,
        "form_class": DestructiveDialog if move.is_destructive else BaseDialogForm,
        "form_submit_text": move.title,
    }


REQUEUE_DIALOG = dialog(REQUEUE, "Requeue this message?")
CANCEL_DIALOG = dialog(CANCEL, "Cancel this message?")
MARK_SENT_DIALOG = dialog(MARK_SENT, "Mark this message as sent?")
SEND_AGAIN_DIALOG = dialog(SEND_AGAIN, "Send this message again?")


class MessageMoves(StudioAdmin):
    """Requeue, cancel and resolve; on the list and on one message's page."""

    actions: tuple[str, ...] = (
        "requeue_selected",
        "cancel_selected",
        "mark_sent_selected",
        "send_again_selected",
    )
    actions_detail: tuple[str, ...] = (
        "requeue",
        "cancel",
        "mark_sent",
        "send_again",
        "look_up",
        "shown",
    )

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("omnichannel.resolve_message")

    def has_requeue_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, REQUEUE)

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, CANCEL)

    def has_uncertain_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, MARK_SENT)

    def _may(self, request: HttpRequest, object_id: Any, move: Move) -> bool:
        if not self.has_resolve_permission(request):
            return False
        if request.method == "POST" or not object_id:
            return True  # a row that moved on meanwhile is told so, not forbidden
        return Message.objects.filter(pk=row_id(object_id), status__in=move.sources).exists()

    @action(description="Requeue", icon="replay", permissions=["requeue"], dialog=REQUEUE_DIALOG)
    def requeue(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._move_one(request, object_id, REQUEUE)

    @action(
        description="Cancel",
        icon="cancel",
        permissions=["cancel"],
        variant=ActionVariant.DANGER,
        dialog=CANCEL_DIALOG,
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._move_one(request, object_id, CANCEL)

    @action(
        description="Mark as sent",
        icon="done_all",
        permissions=["uncertain"],
        dialog=MARK_SENT_DIALOG,
    )
    def mark_sent(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._move_one(request, object_id, MARK_SENT)

    @action(
        description="Send again",
        icon="replay",
        permissions=["uncertain"],
        variant=ActionVariant.WARNING,
        dialog=SEND_AGAIN_DIALOG,
    )
    def send_again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._move_one(request, object_id, SEND_AGAIN)

    def _move_one(self, request: HttpRequest, object_id: str, move: Move) -> HttpResponse:
        chosen = Message.objects.filter(pk=row_id(object_id), status__in=move.sources)
        count = move.run(chosen, at=timezone.now())
        uncertain.forget_count()
        page = self.page_after(object_id)
        if not count:
            messages.warning(request, "Nothing was changed: the message moved on meanwhile.")
            return self.go(page)
        self.log_change(request, Message(pk=object_id), f"{move.title}: {move.done}.")
        return self.done(request, f"The message was {move.done}.", page)

    def page_after(self, object_id: str) -> str:
        """Where a move of one message leads to."""
        return reverse("admin:omnichannel_message_change", args=(object_id,))

    @admin.action(description="Requeue", permissions=["resolve"])
    def requeue_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> Any:
        return self._move_many(request, queryset, REQUEUE)

    @admin.action(description="Cancel", permissions=["resolve"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> Any:
        return self._move_many(request, queryset, CANCEL)

    @admin.action(description="Mark uncertain as sent", permissions=["resolve"])
    def mark_sent_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> Any:
        return self._move_many(request, queryset, MARK_SENT)

    @admin.action(description="Send uncertain again", permissions=["resolve"])
    def send_again_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> Any:
        return self._move_many(request, queryset, SEND_AGAIN)

    def _move_many(
        self, request: HttpRequest, queryset: QuerySet[Message], move: Move
    ) -> HttpResponse | None:
        if request.POST.get("confirmed") != "yes":
            return self._ask(request, queryset, move)
        total = queryset.order_by().count()
        chosen = queryset.order_by().filter(status__in=move.sources)
        count = move.run(chosen, at=timezone.now())
        uncertain.forget_count()
        logger.info("%s: %s %s messages", request.user, move.title, count)
        messages.success(request, f"{number_of(count)} {move.done}.")
        if total > count:
            messages.warning(request, f"{total - count:,} left as they were: {move.why_left}")
        return None

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Message], move: Move
    ) -> TemplateResponse:
        found = dict(queryset.order_by().values_list("status").annotate(n=Count("pk")))
        lines = [
            (MessageStatus(status).label, number, status in move.sources)
            for status, number in sorted(found.items())
        ]
        return self.confirm(request, move, lines)

    def confirm(
        self, request: HttpRequest, step: Step, lines: list[tuple[str, int, bool]]
    ) -> TemplateResponse:
        """Ask before many are moved. `lines`: (what, how many, whether it moves them)."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": step.title,
            "step": step,
            "count": sum(number for _, number, fits in lines if fits),
            "lines": lines,
            "back": request.get_full_path(),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/omnichannel/message_moves.html", context)


def number_of(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"
