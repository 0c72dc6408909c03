from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.validators import URLValidator

from omnichannel import backends
from omnichannel.admin.backend_fields import (
    ENDPOINTS,
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
    secret_names,
)
from omnichannel.admin.base import UnfoldAdminTextInputWidget
from omnichannel.admin.sender_form import check_sender, one_line
from omnichannel.backends.base import Backend
from omnichannel.choices import ChannelType
from omnichannel.crypto import SecretUnreadable
from omnichannel.models import ChannelProvider

MAX_DAYS = 3650  # ten years; the calendar ends before the longest number does


def stored_secrets(provider: ChannelProvider) -> dict[str, str]:
    """{form field: secret} of what the provider keeps; nothing of what no key opens."""
    backend = backends.get(provider.backend)
    try:
        found = {name: getattr(provider, column) for name, column in SECRET_COLUMNS.items()}
        if backend:
            for option in backend.secret_fields:
                name = field_name(backend.slug, option)
                found[name] = provider.options.get(option, "")
    except SecretUnreadable:
        return {}
    return {name: value for name, value in found.items() if value}


class ProviderFormBase(forms.ModelForm):
    service_url = forms.CharField(
        label="Service URL",
        required=False,
        max_length=500,
        validators=[URLValidator(schemes=["http", "https"]), one_line],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://"}),
    )
    new_app_password = secret_field("App password")
    clear_new_app_password = clear_tick()
    new_app_key = secret_field("App key")
    clear_new_app_key = clear_tick()

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
        days: int | None = self.cleaned_data["days_before_expire"]
        if days is not None and days > MAX_DAYS:
            raise forms.ValidationError(f"Write at most {MAX_DAYS}, or leave it empty: never.")
        return days

    def clean_pool_time_retry(self) -> datetime.timedelta:
        wait = self.cleaned_data["pool_time_retry"]
        if not datetime.timedelta(seconds=1) <= wait <= datetime.timedelta(days=7):
            raise forms.ValidationError("Write HH:MM:SS, between one second and seven days.")
        return wait

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
        return cleaned

    def _check_channel(self, backend: type[Backend]) -> None:
        channel_type = self.cleaned_data.get("channel_type")
        if channel_type and channel_type not in backend.channel_types:
            served = ", ".join(ChannelType(each).label for each in backend.channel_types)
            self.add_error("backend", f"{backend.label} sends {served} only: choose another type.")
        elif channel_type and "channel_type" in self.changed_data and self._is_in_use():
            self.add_error(
                "channel_type",
                "Channels or default providers use this provider: change them first.",
            )
        if channel_type and self.cleaned_data.get("from_address"):
            try:
                sender = check_sender(channel_type, self.cleaned_data["from_address"])
            except forms.ValidationError as error:
                self.add_error("from_address", error)
            else:
                self.cleaned_data["from_address"] = sender

    def _is_in_use(self) -> bool:
        if not self.instance.pk:
            return False
        return self.instance.routes.exists() or self.instance.channels.exists()

    def _check_window(self) -> None:
        minimum = self.cleaned_data.get("interval_min")
        if minimum is not None and minimum == self.cleaned_data.get("interval_max"):
            self.add_error(
                "interval_max",
                "Interval Min and Interval Max are equal: leave both empty to send all day.",
            )

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
        kept = {**self.stored}
        wanted = [name for name, column in SECRET_COLUMNS.items() if column in backend.uses]
        wanted += secret_names(backend)
        for name in wanted:
            if typed := self.cleaned_data.get(name):
                kept[name] = typed
            elif self.cleaned_data.get(clear_name(name)):
                kept.pop(name, None)
            elif name in kept and self._is_moved(backend):
                self.add_error(name, "Enter it again: where it is sent to has changed.")
        self.kept = {name: value for name, value in kept.items() if name in wanted}
        if self.kept != self.stored:
            self.columns = self._as_columns(backend)
            for column, value in self.columns.items():
                setattr(self.instance, column, value)

    def _as_columns(self, backend: type[Backend]) -> dict[str, Any]:
        columns: dict[str, Any] = {
            column: self.kept.get(name, "") for name, column in SECRET_COLUMNS.items()
        }
        columns["app_secrets"] = {
            option: self.kept[field_name(backend.slug, option)]
            for option in backend.secret_fields
            if field_name(backend.slug, option) in self.kept
        }
        return columns

    def _is_moved(self, backend: type[Backend]) -> bool:
        before, after = self.instance.app_config or {}, self.cleaned_data.get("app_config", {})
        return (
            backend.slug != self.instance.backend
            or self.cleaned_data.get("service_url", "") != self.instance.service_url
            or any(before.get(key) != after.get(key) for key in ENDPOINTS)
        )

    def _require(self, backend: type[Backend]) -> None:
        for name in backend.required:
            secret = next((key for key, column in SECRET_COLUMNS.items() if column == name), None)
            value = self.kept.get(secret) if secret else self.cleaned_data.get(name)
            target = secret or name
            if not value and target in self.fields and target not in self.errors:
                self.add_error(target, f"{backend.label} needs it.")


def provider_form() -> type[ProviderFormBase]:
    """The form with a field for every option of every backend there is."""
    return type("ProviderForm", (ProviderFormBase,), form_fields())
