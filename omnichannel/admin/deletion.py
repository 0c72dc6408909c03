from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.http import HttpRequest

from omnichannel.admin.base import StudioAdmin
from omnichannel.models import Message


class KeptByMessages(StudioAdmin):
    """Rows that cannot go while messages name them. Django would load every one to say so."""

    message_field = ""

    def get_deleted_objects(self, objs: Iterable[models.Model], request: HttpRequest) -> Any:
        rows = list(objs)
        if Message.objects.filter(**{f"{self.message_field}__in": rows}).exists():
            return [], {}, set(), ["Messages in the queue name it: switch “active” off instead."]
        return super().get_deleted_objects(rows, request)
