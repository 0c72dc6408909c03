from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from omnichannel import backends, endpoints, provider_rules, provider_secrets
from omnichannel.admin.backend_fields import (
    SECRET_COLUMNS,
    STORED,
    bind_options,
    clear_name,
    clear_tick,
    documentation,
    field_name,
    form_fields,
    hint,
    options_of,
    secret_field,
)
from omnichannel.admin.base import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget
from omnichannel.backends.base import Backend
from omnichannel.models import ChannelProvider, WebhookEndpoint
from omnichannel.provider_rules import is_web_address, one_line


def secret_form_name(backend: type[Backend] | None, secret: str) -> str:
    columns = {column: name for name, column in SECRET_COLUMNS.items()}
    return columns.get(secret) or field_name(backend.slug if backend else "", secret)


def stored_secrets(provider: ChannelProvider) -> dict[str, str]:
    """{form field: secret} of what the provider keeps; nothing of what no key opens."""
    backend = backends.get(provider.backend)
    kept = provider_secrets.stored(provider)
    return {secret_form_name(backend, name): value for name, value in kept.items()}


class ProviderFormBase(forms.ModelForm):
    service_url = forms.CharField(
        label="Service URL",
        required=False,
        max_length=500,
        validators=[is_web_address, one_line, provider_rules.check_service_url],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://"}),
    )
    new_app_password = secret_field("App password")
    clear_new_app_password = clear_tick()
    new_app_key = secret_field("App key")
    clear_new_app_key = clear_tick()
    takes_calls = forms.BooleanField(
        label="Take calls",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="What the vendor tells becomes Message Events. Off: its calls are turned away.",
    )

    class Meta:
        model = ChannelProvider
        fields = (
            "channel_type",
            "name",
            "provider_name",
            "backend",
            "service_url",
            "app_user",
            "app_config",
            "from_address",
            "from_name",
            "bulk_no",
            "days_before_expire",
            "interval_min",
            "interval_max",
            "retry_max_attempt",
            "pool_time_retry",
            "open_setting",
            "click_setting",
            "rate_limit",
            "on_uncertain",
            "on_uncertain_transactional",
            "on_uncertain_otp",
            "on_uncertain_promotional",
            "uncertain_alert_minutes",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored_secrets(self.instance) if self.instance.pk else {}
        self.columns: dict[str, Any] = {}  # secret columns to write
        for name in self.stored:
            self.fields[name].widget.attrs["placeholder"] = STORED
        self._fill_options()
        self._explain()
        mine = WebhookEndpoint.objects.filter(provider=self.instance.pk, is_enabled=True)
        self.initial["takes_calls"] = bool(self.instance.pk) and mine.exists()

    def _fill_options(self) -> None:
        backend = backends.get(self.instance.backend)
        if backend is None:
            return
        options = options_of(backend)
        config = dict(self.instance.app_config or {})
        for option in options:
            if option in config and option not in backend.secret_fields:
                self.initial[field_name(backend.slug, option)] = config[option]
        self.initial["app_config"] = {
            key: value for key, value in config.items() if key not in options
        }

    def _explain(self) -> None:
        if "backend" not in self.fields:
            return
        self.fields["backend"].help_text = documentation()
        columns = {"service_url": "service_url", "app_user": "app_user", **SECRET_COLUMNS}
        for name, column in columns.items():
            if name in self.fields:
                self.fields[name].help_text = hint(column)

    def clean_from_name(self) -> str:
        one_line(self.cleaned_data["from_name"])
        return self.cleaned_data["from_name"]

    def clean_app_user(self) -> str:
        one_line(self.cleaned_data["app_user"])
        return self.cleaned_data["app_user"]

    def clean_days_before_expire(self) -> int | None:
        provider_rules.check_days(self.cleaned_data["days_before_expire"])
        return self.cleaned_data["days_before_expire"]

    def clean_pool_time_retry(self) -> datetime.timedelta:
        provider_rules.check_wait(self.cleaned_data["pool_time_retry"])
        return self.cleaned_data["pool_time_retry"]

    def clean_app_config(self) -> dict[str, Any]:
        config = self.cleaned_data["app_config"] or {}
        if not isinstance(config, dict):
            raise forms.ValidationError('Write a JSON object, such as {"timeout": 10}.')
        return config

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        backend = backends.get(cleaned.get("backend", ""))
        if backend is None:
            return cleaned
        self._check_channel(backend)
        self._check_window()
        self._merge_options(backend)
        self._settle_secrets(backend)
        self._require(backend)
        self._check_webhook(backend)
        return cleaned

    def _check_channel(self, backend: type[Backend]) -> None:
        channel_type = self.cleaned_data.get("channel_type")
        if not channel_type:
            return
        self._told_at("backend", provider_rules.check_sends, backend, channel_type)
        if "channel_type" in self.changed_data:
            self._told_at("channel_type", provider_rules.check_free, self.instance)
        if address := self.cleaned_data.get("from_address"):
            sender = self._told_at(
                "from_address", provider_rules.check_sender, channel_type, address
            )
            self.cleaned_data["from_address"] = sender or address

    def _told_at(self, field: str, check: Callable[..., Any], *values: Any) -> Any:
        try:
            return check(*values)
        except ValidationError as error:
            self.add_error(field, error)
            return None

    def _check_window(self) -> None:
        minimum = self.cleaned_data.get("interval_min")
        if minimum is not None and minimum == self.cleaned_data.get("interval_max"):
            self.add_error("interval_max", provider_rules.EQUAL_ENDS)

    def _merge_options(self, backend: type[Backend]) -> None:
        further = self.cleaned_data.get("app_config", {})
        twice = sorted(set(further) & set(options_of(backend)))
        if twice:
            self.add_error("app_config", f"{', '.join(twice)}: use the field under Connection.")
        bound = bind_options(backend, self.data, self.files)
        if bound is None:
            return
        for option in backend.secret_fields:
            if field_name(backend.slug, option) in self.stored:
                bound.fields[option].required = False
                bound.initial[option] = STORED
        for option, errors in bound.errors.items():
            target = None if option == "__all__" else field_name(backend.slug, option)
            self.add_error(target, errors)
        public = {
            option: value
            for option, value in bound.cleaned_data.items()
            if option not in backend.secret_fields
        }
        self.cleaned_data["app_config"] = {**further, **public}

    def _settle_secrets(self, backend: type[Backend]) -> None:
        """Decide what is kept, replaced and forgotten. Blank keeps; a tick forgets."""
        named = {
            name: secret_form_name(backend, name) for name in provider_secrets.names_of(backend)
        }
        stored = provider_secrets.stored(self.instance) if self.instance.pk else {}
        settled = provider_secrets.settle(
            backend,
            stored,
            given={name: self.cleaned_data.get(field) or "" for name, field in named.items()},
            cleared=[
                name for name, field in named.items() if self.cleaned_data.get(clear_name(field))
            ],
            moved=provider_secrets.is_moved(
                self.instance,
                backend,
                self.cleaned_data.get("service_url", ""),
                self.cleaned_data.get("app_config", {}),
            ),
        )
        for name in settled.again:
            self.add_error(named[name], provider_secrets.AGAIN)
        self.kept = settled.kept
        if self.kept != stored:
            self.columns = provider_secrets.columns(backend, self.kept)
            for column, value in self.columns.items():
                setattr(self.instance, column, value)

    def _require(self, backend: type[Backend]) -> None:
        for name in provider_secrets.missing(backend, self.kept, self.cleaned_data):
            is_secret = name in provider_secrets.SECRET_COLUMNS
            target = secret_form_name(backend, name) if is_secret else name
            if target in self.fields and target not in self.errors:
                self.add_error(target, f"{backend.label} needs it.")

    def _check_webhook(self, backend: type[Backend]) -> None:
        """Calls are taken only when there is something to verify them by."""
        if not backend.receives or not self.cleaned_data.get("takes_calls"):
            return
        filled = {
            **self.cleaned_data.get("app_config", {}),
            **provider_secrets.columns(backend, self.kept),
        }
        if endpoints.is_unverified(backend, {**filled, **filled["app_secrets"]}):
            target = secret_form_name(backend, backend.webhook_secrets[0])
            if target not in self.errors:
                text = "Fill it in, or switch “Take calls” off: calls are verified by it."
                self.add_error(target, text)


def provider_form() -> type[ProviderFormBase]:
    """The form with a field for every option of every backend there is."""
    return type("ProviderForm", (ProviderFormBase,), form_fields())
