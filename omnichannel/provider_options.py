"""A backend's own settings, when they do not come from the Studio's form: its form checks them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from omnichannel.backends.base import Backend

KEPT = "kept"  # stands for a stored secret while the form looks at the others
TOO_DEEP = "Give a text, a number, true or false."


def fields_of(backend: type[Backend]) -> Mapping[str, forms.Field]:
    return backend.config_form.base_fields if backend.config_form else {}


def defaults_of(backend: type[Backend]) -> dict[str, Any]:
    """What counts for a setting that is not given."""
    fields = fields_of(backend).items()
    return {name: field.initial for name, field in fields if field.initial is not None}


def checked(
    backend: type[Backend],
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    stored: Collection[str] = (),
) -> dict[str, Any]:
    """The settings as they are stored, without the secret ones, which are checked with them.

    What the backend does not know is left as it is. `stored` names secrets that are kept. Raises
    ValidationError of {option: messages}.
    """
    own = fields_of(backend)
    further = {name: value for name, value in config.items() if name not in own}
    _refuse(backend, config)
    if backend.config_form is None:
        return further
    form = backend.config_form({**defaults_of(backend), **config, **secrets})
    for name in stored:
        form.fields[name].required = False
        form.initial[name] = KEPT
    if not form.is_valid():
        raise ValidationError(
            {name.replace("__all__", ""): list(errors) for name, errors in form.errors.items()}
        )
    public = {
        name: value
        for name, value in form.cleaned_data.items()
        if name not in backend.secret_fields
    }
    return {**further, **public}


def _refuse(backend: type[Backend], config: Mapping[str, Any]) -> None:
    wrong: dict[str, str] = {}
    for name, value in config.items():
        if name in backend.secret_fields:
            wrong[name] = "It is a secret: give it in app_secrets."
        elif name in fields_of(backend) and isinstance(value, list | dict):
            wrong[name] = TOO_DEEP
    if wrong:
        raise ValidationError(wrong)
