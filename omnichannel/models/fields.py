"""Model fields whose column holds cipher text."""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from omnichannel.crypto import decrypt, encrypt

TOKEN = re.compile(r"gAAAAA[\w-]{90,}={0,2}")  # Fernet, version 0x80 and a time of this century


class Sealed(str):
    """A token as it is stored."""


class SecretAttribute(DeferredAttribute):
    """Opens a secret when it is read: one that no key opens must not take a whole list down."""

    field: SecretField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return self.field.opened(value) if isinstance(value, Sealed) else value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SecretField(models.TextField):
    """Raises SecretUnreadable when it is read and no key of the ring opens it.

    Cannot be searched or ordered by; `values()` and `dumpdata` answer the token.
    """

    descriptor_class = SecretAttribute

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return Sealed(value) if value else self.opened(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # What was not changed is written back as it was, readable or not.
        kept = model_instance.__dict__.get(self.attname)
        return kept if isinstance(kept, Sealed) else super().pre_save(model_instance, add)

    def value_from_object(self, obj: models.Model) -> Any:
        return self.get_prep_value(self.pre_save(obj, add=False))

    def to_python(self, value: Any) -> Any:
        is_token = isinstance(value, str) and TOKEN.fullmatch(value)
        return Sealed(value) if is_token else super().to_python(value)

    def opened(self, value: Any) -> Any:
        raise NotImplementedError


class EncryptedTextField(SecretField):
    """Text in Python, a Fernet token in the database."""

    def opened(self, value: str | None) -> str | None:
        return decrypt(value) if value else value

    def get_prep_value(self, value: Any) -> str | None:
        return encrypt(str(value)) if value and not isinstance(value, Sealed) else value


class EncryptedJSONField(SecretField):
    """A dictionary in Python, one Fernet token in the database."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def opened(self, value: str | None) -> dict[str, Any]:
        return json.loads(decrypt(value)) if value else {}

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value) if isinstance(value, str) else value or {}
        return found if isinstance(found, Sealed | dict) else json.loads(found or "{}")

    def get_prep_value(self, value: Any) -> str:
        if isinstance(value, Sealed):
            return value
        return encrypt(json.dumps(value)) if value else ""
