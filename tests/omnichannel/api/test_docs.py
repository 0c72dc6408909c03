from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from rest_framework.test import APIClient

from tests.factories_api import caller

pytestmark = pytest.mark.django_db

SCHEMA = "/api/schema/?format=json"
DOCS = "/api/docs/"


@pytest.fixture
def staff(client):
    """Somebody who may log in and has no right at all."""
    client.force_login(User.objects.create_user("staff", is_staff=True))
    return client


def test_nobody_sees_the_schema_or_the_page():
    assert APIClient().get(SCHEMA).status_code == 401
    assert APIClient().get(DOCS).headers["Location"] == "/admin/login/?next=/api/docs/"


def test_user_who_is_not_staff_sees_neither(client):
    client.force_login(User.objects.create_user("customer"))

    assert client.get(SCHEMA).status_code == 403
    assert client.get(DOCS).status_code == 302


def test_any_key_opens_the_schema_and_not_the_page():
    client = caller("otp")

    assert "/api/v1/variables/" in client.get(SCHEMA).json()["paths"]
    assert client.get(DOCS).status_code == 302


def test_page_is_made_of_files_of_our_own_only(staff):
    page = staff.get(DOCS).content.decode()

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) >= 4
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")


def test_script_of_the_page_names_the_schema(staff):
    script = staff.get(f"{DOCS}?script=")

    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "/api/schema/" in script.content.decode()


def test_every_operation_needs_a_key_and_has_its_errors_described():
    paths = caller("read").get(SCHEMA).json()["paths"]

    for address, operations in paths.items():
        for operation in operations.values():
            assert operation["security"] == [{"apiKey": []}], address
            assert {"400", "401", "403", "404", "406", "429"} <= set(operation["responses"])
            assert "application/problem+json" in operation["responses"]["401"]["content"]
