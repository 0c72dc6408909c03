"""What the registry of backends means for the provider form: fields, and when they show."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from omnichannel import backends
from omnichannel.admin.base import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
    UnfoldBooleanWidget,
)
from omnichannel.backends.base import Backend

# Form field -> column of the secrets that every backend may use.
SECRET_COLUMNS = {"new_app_password": "app_password", "new_app_key": "app_key"}
STORED = "•••• stored"


def field_name(slug: str, option: str) -> str:
    """The form's name for a backend's option. Alpine needs a JavaScript identifier."""
    return f"{slug.replace('-', '_')}__{option}"


def clear_name(secret: str) -> str:
    return f"clear_{secret}"


def options_of(backend: type[Backend]) -> Mapping[str, forms.Field]:
    return backend.config_form.base_fields if backend.config_form else {}


def option_names(backend: type[Backend]) -> list[str]:
    return [field_name(backend.slug, option) for option in options_of(backend)]


def form_fields() -> dict[str, forms.Field]:
    """A field for every option of every backend. They check nothing: the backend's form does."""
    fields: dict[str, forms.Field] = {}
    for backend in backends.registry().values():
        for option, original in options_of(backend).items():
            is_secret = option in backend.secret_fields
            name = field_name(backend.slug, option)
            fields[name] = _shown(option, original, is_secret)
            notes = getattr(backend.config_form, "choice_notes", {}).get(option)
            if notes:
                fields[name].help_text = _notes(name, notes)
            if is_secret:
                fields[clear_name(name)] = clear_tick()
    return fields


def conditions() -> dict[str, str]:
    """{form field: Alpine expression}: the fields of the chosen type are shown, no others."""
    receiving = [slug for slug, backend in backends.registry().items() if backend.receives]
    shown: dict[str, str] = {
        "open_setting": _EMAIL,
        "click_setting": _EMAIL,
        "takes_calls": f"{receiving!r}.includes(backend)",
    }
    fields = {"service_url": "service_url", "app_user": "app_user", **SECRET_COLUMNS}
    for name, column in fields.items():
        users = [slug for slug, backend in backends.registry().items() if column in backend.uses]
        shown[name] = shown[clear_name(name)] = f"{users!r}.includes(backend)"
    for slug, backend in backends.registry().items():
        further = getattr(backend.config_form, "shown_if", {})
        for option in options_of(backend):
            name, when = field_name(slug, option), f"backend == {slug!r}"
            if option in further:
                choice, values = further[option]
                when += f" && {list(values)!r}.includes({field_name(slug, choice)})"
            shown[name] = shown[clear_name(name)] = when
    return shown


_EMAIL = "channel_type == 'email'"


def hint(column: str) -> SafeString:
    """What the chosen type calls a common column."""
    named = [
        (f"backend == {slug!r}", _called(backend, column))
        for slug, backend in backends.registry().items()
        if column in backend.uses
    ]
    return format_html_join("", '<span x-show="{}">{}</span>', named)


def _called(backend: type[Backend], column: str) -> str:
    if column == "service_url" and column not in backend.required:
        return "Empty: the service's own address."
    return backend.uses[column]


def documentation() -> SafeString:
    linked = [
        (f"backend == {slug!r}", backend.documentation, backend.label)
        for slug, backend in backends.registry().items()
        if backend.documentation.startswith("https://")
    ]
    links = format_html_join(
        "",
        '<a class="text-link" x-show="{}" href="{}" target="_blank" rel="noopener noreferrer">'
        "{}: documentation</a>",
        linked,
    )
    noted = [
        (f"backend == {slug!r}", backend.note)
        for slug, backend in backends.registry().items()
        if backend.note
    ]
    notes = format_html_join("", '<span x-show="{}">{} </span>', noted)
    return format_html("The software that talks to this provider. {}{}", notes, links)


def bind_options(backend: type[Backend], data: Any, files: Any) -> forms.Form | None:
    """The backend's own form over the posted fields of the provider form."""
    if backend.config_form is None:
        return None
    slug = backend.slug
    names = {"add_prefix": lambda form, option: field_name(slug, option)}
    bound: type[forms.Form] = type("Options", (backend.config_form,), names)
    return bound(data, files)


def secret_field(label: str, help_text: str = "") -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)


def clear_tick() -> forms.BooleanField:
    return forms.BooleanField(
        label="Forget the stored one", required=False, widget=UnfoldBooleanWidget()
    )


def _notes(name: str, notes: Mapping[str, str]) -> SafeString:
    """A note for each value of a choice; that of the chosen one is shown."""
    shown = [(f"{name} == {value!r}", note) for value, note in notes.items()]
    return format_html_join("", '<span x-show="{}">{}</span>', shown)


def _shown(option: str, original: forms.Field, is_secret: bool) -> forms.Field:
    label = str(original.label or option.replace("_", " ").capitalize())
    label = f"{label} *" if original.required else label
    if is_secret:
        return secret_field(label, str(original.help_text))
    return forms.Field(
        label=label,
        required=False,
        help_text=original.help_text,
        initial=original.initial,
        widget=_dressed(original),
    )


def _dressed(field: forms.Field) -> forms.Widget:
    if isinstance(field, forms.BooleanField):
        return UnfoldBooleanSwitchWidget()
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.MultipleChoiceField):
        return UnfoldAdminSelectWidget(choices=field.choices)
    if isinstance(field, forms.IntegerField):
        return UnfoldAdminIntegerFieldWidget()
    if isinstance(field.widget, forms.Textarea):
        return UnfoldAdminTextareaWidget(attrs=copy.copy(field.widget.attrs))
    if type(field.widget) is forms.TextInput:
        return UnfoldAdminTextInputWidget(attrs=copy.copy(field.widget.attrs))
    return copy.deepcopy(field.widget)
