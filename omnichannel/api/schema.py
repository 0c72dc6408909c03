"""What the schema says of every operation: each answer that it may give."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from omnichannel.api.idempotency import HEADER, LONGEST
from omnichannel.api.problems import MEDIA_TYPE

PROBLEM = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(help_text="Always about:blank."),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "code": serializers.CharField(help_text="What went wrong, in a word that stays the same."),
        "detail": serializers.CharField(),
        "errors": inline_serializer(
            "FieldError",
            {
                "field": serializers.CharField(
                    help_text="Dotted path in the body, or the parameter; empty: all of it."
                ),
                "message": serializers.CharField(),
            },
            many=True,
        ),
    },
)
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": LONGEST},
    OpenApiParameter.HEADER,
    description="The same call with the same key within 24 hours is answered, not done again.",
)
ALWAYS = ("400", "401", "403", "404", "406", "429")
WITH_BODY = ("409", "413", "415", "422")
# What the docs page lists; other operations say what they do in the first words of their own text.
SUMMARIES = {
    "list": "List {many}",
    "create": "Add {one}",
    "retrieve": "Read {one}",
    "update": "Replace {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}


class StudioSchema(AutoSchema):
    def get_problem_statuses(self) -> tuple[str, ...]:
        return ALWAYS if self.method == "GET" else (*ALWAYS, *WITH_BODY)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self.get_problem_statuses():
            if status not in bodies:
                bodies[status] = self._get_response_for_code(
                    PROBLEM, status, media_types=[MEDIA_TYPE], direction=direction
                )
        return bodies

    def get_override_parameters(self) -> list[Any]:
        name = getattr(self.view, "action", None) or self.method.lower()
        is_idempotent = getattr(getattr(self.view, name, None), "is_idempotent", False)
        return [IDEMPOTENCY_KEY] if is_idempotent else []

    def get_summary(self) -> str:
        action = getattr(self.view, "action", "")
        has_own_words = action == "create" and getattr(getattr(self.view, action), "__doc__", "")
        nouns = self._nouns()
        if action not in SUMMARIES or has_own_words or nouns is None:
            text = " ".join(self.get_description().split())
            return re.split(r"[.:] |[.:]$", text)[0]
        one, many = nouns
        article = "an" if one[0].lower() in "aeio" else "a"
        return SUMMARIES[action].format(one=f"{article} {one}", many=many)

    def _nouns(self) -> tuple[str, str] | None:
        """As the view says, or as its rows are called."""
        view: Any = self.view
        if nouns := getattr(view, "nouns", None):
            return nouns[0], nouns[1]
        if getattr(view, "queryset", None) is None:
            return None
        names = view.queryset.model._meta
        return str(names.verbose_name), str(names.verbose_name_plural)

    def get_tags(self) -> list[str]:
        """One for each resource: what comes after the version in its address."""
        parts = [part for part in self.path.split("/") if part]
        return [parts[2].replace("-", " ") if len(parts) > 2 else "api"]


class BearerKeyScheme(OpenApiAuthenticationExtension):
    target_class = "omnichannel.api.auth.BearerKey"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key of the Studio (System > API keys).",
        }
