"""Asking the provider what became of uncertain messages, where its type can be asked."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from omnichannel import look_up, uncertain
from omnichannel.admin.base import action, row_id
from omnichannel.admin.message_moves import MessageMoves, Step, dialog, number_of
from omnichannel.look_up import Answers
from omnichannel.models import Message
from omnichannel.models.messages import MessageQuerySet

logger = logging.getLogger(__name__)

SECONDS = 20  # so long an operator waits; what was not asked by then is left as it is
LOOK_UP = Step(
    "look_up_selected",
    "Look up",
    "The provider is asked. What it has becomes Sent, what it refused Failed, and what it never "
    "had is sent again.",
)
LOOK_UP_DIALOG = dialog(LOOK_UP, "Look this message up at its provider?")


class LookUps(MessageMoves):
    """The step on one message's page and on a list."""

    actions = (*MessageMoves.actions, "look_up_selected")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        if not look_up.askable_providers().exists():
            found.pop("look_up_selected", None)
        return found

    def has_look_up_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not self.has_resolve_permission(request):
            return False
        if request.method == "POST" or not object_id:
            return True
        return look_up.askable(Message.objects.filter(pk=row_id(object_id))).exists()

    @action(
        description="Look up", icon="travel_explore", permissions=["look_up"], dialog=LOOK_UP_DIALOG
    )
    def look_up(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        answers = ask(Message.objects.filter(pk=row_id(object_id)))
        if answers.asked:
            self.log_change(request, Message(pk=object_id), told(answers))
        tell(request, answers, total=1)
        return self.go(self.page_after(object_id))

    @admin.action(description="Look up uncertain at the provider", permissions=["resolve"])
    def look_up_selected(self, request: HttpRequest, queryset: MessageQuerySet) -> Any:
        chosen = queryset.order_by()
        if request.POST.get("confirmed") != "yes":
            able = look_up.askable(chosen).order_by().count()
            others = chosen.count() - able
            lines = [("Uncertain at a provider that can be asked", able, True)]
            return self.confirm(
                request, LOOK_UP, lines + [("Others", others, False)] * (others > 0)
            )
        total = chosen.count()
        answers = ask(chosen)
        logger.info("%s: %s", request.user, told(answers))
        tell(request, answers, total=total)
        return None


def ask(chosen: MessageQuerySet) -> Answers:
    answers = look_up.look_up(chosen, at=timezone.now(), until=time.monotonic() + SECONDS)
    uncertain.forget_count()
    return answers


def told(answers: Answers) -> str:
    return (
        f"Looked up {number_of(answers.asked)}: {answers.arrived:,} had arrived, "
        f"{answers.refused:,} had been refused, {answers.sent_again:,} had never arrived and "
        f"{'is' if answers.sent_again == 1 else 'are'} sent again."
    )


def tell(request: HttpRequest, answers: Answers, *, total: int) -> None:
    messages.success(request, told(answers))
    for text in answers.troubles:
        messages.error(request, text)
    left = total - answers.asked + answers.left
    if left:
        why = "their provider cannot be asked or cannot tell, or they may not be sent any more."
        messages.warning(request, f"{left:,} left as they were: {why}")
