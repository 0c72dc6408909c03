from __future__ import annotations

import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from omnichannel.choices import ApiKeyState, Scope


def check_scopes(scopes: object) -> None:
    if not isinstance(scopes, list) or not scopes:
        raise ValidationError("Choose at least one scope.")
    unknown = [str(scope) for scope in scopes if scope not in Scope.values]
    if unknown:
        raise ValidationError(f"There is no scope {', '.join(unknown)}.")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, at: datetime.datetime) -> ApiKeyQuerySet:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None)


class ApiKey(models.Model):
    """What another system shows to use the HTTP API. Its secret is not kept."""

    name = models.CharField(max_length=100, help_text="Which system uses it.")
    prefix = models.CharField(
        max_length=12, unique=True, editable=False, help_text="The part that is not secret."
    )
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of its secret.")
    scopes = models.JSONField(default=list, validators=[check_scopes])
    is_test = models.BooleanField(
        "test key", default=False, help_text="What it sends only ever reaches the sandbox."
    )
    rate_limit = models.PositiveIntegerField(
        "requests per minute", null=True, blank=True, help_text="Empty: no limit."
    )
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    last_used_at = models.DateTimeField("last used", null=True, blank=True, editable=False)
    # Microseconds since 1970: until then its allowance is spent. See `api.throttling`.
    spent_until = models.BigIntegerField(default=0, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    shown_once = ""  # the key itself, in the moment that it is made
    _change_reason: str  # simple-history takes it from here
    history = HistoricalRecords(excluded_fields=["digest", "last_used_at", "spent_until"])

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_limit=None) | Q(rate_limit__gt=0), name="api_key_rate_above_zero"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def state(self, at: datetime.datetime) -> ApiKeyState:
        if self.revoked_at:
            return ApiKeyState.REVOKED
        if self.expires_at and self.expires_at <= at:
            return ApiKeyState.EXPIRED
        return ApiKeyState.ACTIVE

    def allows(self, *scopes: Scope) -> bool:
        """Whether it has at least one of these."""
        return any(scope in self.scopes for scope in scopes)


class IdempotentReply(models.Model):
    """What was answered to a call with an Idempotency-Key, to be answered again.

    Until `done_at` is set the call is being worked on, by whoever set `claim` at `claimed_at`.
    A `status` before that is what is answered should its worker die (see `kept_replies`).
    """

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+", db_index=False)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    claim = models.UUIDField()
    claimed_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    content = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "kept reply"
        verbose_name_plural = "kept replies"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "route", "key"], name="idempotent_reply_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
