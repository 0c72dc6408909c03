"""Lines of Django's own log for what is done to no single row."""

from __future__ import annotations

import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest

logger = logging.getLogger(__name__)


def note(
    request: HttpRequest, model: type[Model], what: str, told: str, *, flag: int = CHANGE
) -> None:
    """Who did it and what came of it. `what` stands where the name of a row would."""
    logger.info("%s: %s: %s: %s", request.user, model._meta.verbose_name_plural, what, told)
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=ContentType.objects.get_for_model(model, for_concrete_model=False),
        action_flag=flag,
        object_repr=what[:200],
        change_message=told,
    )
