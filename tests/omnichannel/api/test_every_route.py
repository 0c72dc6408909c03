"""Every address of the API, asked with the wrong key or none: made from the URLs there are."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from omnichannel import api_keys
from omnichannel.choices import Scope
from tests.factories import NOW
from tests.factories_api import caller, client_with, make_api_key
from tests.test_access import addresses

pytestmark = pytest.mark.django_db

UNSAFE = ("post", "put", "patch", "delete")
METHODS = ("get", "head", "options", *UNSAFE)


def views(patterns=None, prefix: str = "") -> Iterator[tuple[str, type, dict[str, str]]]:
    """(address, class, {method: action}) of every view under /api/v1/."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            yield from views(pattern.url_patterns, route)
        elif route.startswith("api/v1/"):
            view = pattern.callback
            yield filled(route), view.cls, getattr(view, "actions", None) or {}


def filled(route: str) -> str:
    """An address of the route; no row is there, and none is needed to be refused."""
    route = re.sub(r"<uuid:[^>]*>", "00000000-0000-4000-8000-000000000000", route)
    return "/" + re.sub(r"<[^>]*>|\(\?P<[^)]*\)", "1", route).replace("^", "").replace("$", "")


VIEWS = sorted(set((address, view) for address, view, _ in views()), key=str)
ADDRESSES = sorted({address for address, _ in VIEWS} | {"/api/v1/nothing/"})


def answers(client: APIClient, methods: tuple[str, ...]) -> dict[tuple[str, str], int]:
    return {
        (method, address): getattr(client, method)(address).status_code
        for address in ADDRESSES
        for method in methods
    }


def test_there_are_routes_to_look_at():
    assert "/api/v1/variables/" in ADDRESSES
    assert "/api/v1/variables/1/" in ADDRESSES
    assert {filled(route) for route in addresses() if route.startswith("api/v1/")} <= set(ADDRESSES)


def test_every_view_declares_the_scope_it_needs():
    undeclared = [address for address, view in VIEWS if not isinstance(view.write_scope, Scope)]

    assert not undeclared


def test_without_a_key_every_answer_is_401():
    assert set(answers(APIClient(), METHODS).values()) == {401}


def test_with_a_key_that_is_over_every_answer_is_401():
    _, expired = make_api_key(expires_at=timezone.now() - datetime.timedelta(days=1))
    row, revoked = make_api_key()
    api_keys.revoke(row, at=NOW)

    assert set(answers(client_with(expired), METHODS).values()) == {401}
    assert set(answers(client_with(revoked), METHODS).values()) == {401}


def test_key_that_may_only_read_changes_nothing():
    refused = answers(caller(Scope.READ), UNSAFE)

    assert set(refused.values()) <= {403, 404}
    assert {address for (_, address), status in refused.items() if status == 404} <= {
        "/api/v1/nothing/"
    }


def test_key_that_may_only_read_reads_everything():
    asked = answers(caller(Scope.READ), ("get",))

    assert set(asked.values()) <= {200, 404, 405}
