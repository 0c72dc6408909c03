"""Whether a provider can be as it is asked to be: the rules of its form in the Studio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import ValidationError
from rest_framework.fields import get_error_detail

from omnichannel import backends, endpoints, provider_options, provider_rules, provider_secrets
from omnichannel.backends.base import Backend
from omnichannel.models import ChannelProvider
from omnichannel.provider_secrets import SECRET_COLUMNS

CONNECTION = {"backend", "service_url", "app_user", "app_config", "app_secrets", *SECRET_COLUMNS}


def takes_calls(provider: ChannelProvider) -> bool:
    endpoint = getattr(provider, "webhook", None)
    return endpoint is not None and endpoint.is_enabled


class Checked:
    """`given` are the values of the request, laid over the row that there is (or a new one)."""

    def __init__(self, provider: ChannelProvider, given: dict[str, Any]) -> None:
        self.provider = provider
        self.asked = frozenset(given)
        self.values = {name: value for name, value in given.items() if name != "app_secrets"}
        self.secrets: dict[str, str | None] = {
            **{name: self.values.pop(name) for name in SECRET_COLUMNS if name in given},
            **given.get("app_secrets", {}),
        }
        self.errors: dict[str, Any] = {}

    def columns(self) -> dict[str, Any]:
        """The values to write, all that they entail included. Raises ValidationError."""
        backend = backends.get(self.value("backend"))
        if backend is None:
            raise ValidationError({"backend": ["There is no such type: choose another."]})
        self._check_channel(backend)
        self._check_window()
        if self.provider.pk is None or self.asked & CONNECTION:
            self._check_connection(backend)
        if "takes_calls" in self.asked or self.asked & CONNECTION:
            self._check_calls(backend)
        if self.errors:
            raise ValidationError(self.errors)
        return self.values

    def value(self, name: str) -> Any:
        return self.values.get(name, getattr(self.provider, name))

    def _told_at(self, field: str, check: Callable[..., Any], *values: Any) -> Any:
        try:
            return check(*values)
        except DjangoValidationError as error:
            self.errors[field] = get_error_detail(error)
            return None

    def _check_channel(self, backend: type[Backend]) -> None:
        kind = self.value("channel_type")
        if self.asked & {"channel_type", "backend"}:
            self._told_at("backend", provider_rules.check_sends, backend, kind)
        if kind != self.provider.channel_type:
            self._told_at("channel_type", provider_rules.check_free, self.provider)
        if self.asked & {"channel_type", "from_address"}:
            sender = self.value("from_address")
            self.values["from_address"] = self._told_at(
                "from_address", provider_rules.check_sender, kind, sender
            )

    def _check_window(self) -> None:
        first = self.value("interval_min")
        if first is not None and first == self.value("interval_max"):
            self.errors["interval_max"] = [provider_rules.EQUAL_ENDS]

    def _check_connection(self, backend: type[Backend]) -> None:
        self._refuse_unused(backend)
        stored = provider_secrets.stored(self.provider) if self.provider.pk else {}
        config = self._check_options(backend, stored)
        settled = provider_secrets.settle(
            backend,
            stored,
            given={name: text.strip() for name, text in self.secrets.items() if text},
            cleared=[name for name, text in self.secrets.items() if text is None],
            moved=provider_secrets.is_moved(
                self.provider, backend, self.value("service_url"), config
            ),
        )
        for name in settled.again:
            self._at_secret(name, provider_secrets.AGAIN)
        if settled.kept != stored:
            self.values |= provider_secrets.columns(backend, settled.kept)
        self.kept = settled.kept
        columns = {name: self.value(name) for name in ("service_url", "app_user")}
        for name in provider_secrets.missing(backend, settled.kept, columns):
            self.errors.setdefault(name, [f"{backend.label} needs it."])

    def _refuse_unused(self, backend: type[Backend]) -> None:
        known = provider_secrets.names_of(backend)
        for name, text in self.secrets.items():
            if text and name not in known:
                self._at_secret(name, f"{backend.label} has no such secret.")

    def _check_options(self, backend: type[Backend], stored: dict[str, str]) -> dict[str, Any]:
        """The type's own settings, which are written when they are new or checked anew."""
        config = self.values.get("app_config")
        if config is None:
            config = self._config_for(backend)
        own = backend.secret_fields
        given = {name: text for name, text in self.secrets.items() if name in own and text}
        kept = [name for name in own if name in stored and self.secrets.get(name, "") is not None]
        try:
            config = provider_options.checked(backend, config, given, stored=kept)
        except DjangoValidationError as error:
            for name, texts in error.message_dict.items():
                place = "app_secrets" if name in own else "app_config"
                self.errors.setdefault(place, {})[name or "__all__"] = texts
        self.values["app_config"] = config
        return config

    def _config_for(self, backend: type[Backend]) -> dict[str, Any]:
        """What is stored, without the settings of another type that it had before."""
        config: dict[str, Any] = self.provider.app_config or {}
        before = backends.get(self.provider.backend)
        if before is None or before is backend:
            return config
        own = provider_options.fields_of(before)
        return {name: value for name, value in config.items() if name not in own}

    def _check_calls(self, backend: type[Backend]) -> None:
        """Calls are taken only when there is something to verify them by."""
        if not self.values.get("takes_calls", takes_calls(self.provider)):
            return
        if not backend.receives:
            if "takes_calls" in self.asked:
                self.errors["takes_calls"] = [f"{backend.label} does not call."]
            return
        kept = getattr(self, "kept", None) or provider_secrets.stored(self.provider)
        filled = {**self.value("app_config"), "app_user": self.value("app_user"), **kept}
        if endpoints.is_unverified(backend, filled):
            text = "Fill it in, or switch takes_calls off: calls are verified by it."
            self._at_secret(backend.webhook_secrets[0], text)

    def _at_secret(self, name: str, text: str) -> None:
        if name in SECRET_COLUMNS:
            self.errors.setdefault(name, [text])
        else:
            self.errors.setdefault("app_secrets", {}).setdefault(name, [text])
