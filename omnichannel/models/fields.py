"""Model fields whose column holds cipher text."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from omnichannel.crypto import decrypt, encrypt


class EncryptedTextField(models.TextField):
    """Text in Python, a Fernet token in the database. Cannot be searched or ordered by."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return decrypt(value) if value else value

    def get_prep_value(self, value: Any) -> str | None:
        return encrypt(str(value)) if value else value


class EncryptedJSONField(models.TextField):
    """A dictionary in Python, one Fernet token in the database."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> dict[str, Any]:
        return json.loads(decrypt(value)) if value else {}

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) and value else value or {}

    def get_prep_value(self, value: Any) -> str:
        return encrypt(json.dumps(value)) if value else ""
