from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from omnichannel import api_keys
from omnichannel.choices import Scope
from omnichannel.models import ApiKey

EVERYTHING = tuple(Scope)


def make_api_key(*scopes: str, **values: Any) -> tuple[ApiKey, str]:
    """The row and the key itself; it may do everything unless told otherwise."""
    return api_keys.create("Shop", list(scopes or EVERYTHING), **values)


def caller(*scopes: str, **values: Any) -> APIClient:
    """A client with a key of its own. `client.key` is the row."""
    row, key = make_api_key(*scopes, **values)
    client = client_with(key)
    client.key = row
    return client


def client_with(key: str) -> APIClient:
    """A server error is an answer to look at, as a caller sees it."""
    return APIClient(raise_request_exception=False, HTTP_AUTHORIZATION=f"Bearer {key}")
