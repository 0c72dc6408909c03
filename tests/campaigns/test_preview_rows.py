from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User

from campaigns.models import Audience, AudienceMember
from campaigns.preview_rows import audience_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def audience():
    audience = Audience.objects.create(name="Customers")
    for name in ("ana", "bo", "bob"):
        AudienceMember.objects.create(
            audience=audience,
            key=f"{name}@example.com",
            email=f"{name}@example.com",
            variables={"first_name": name},
        )
    return audience


@pytest.fixture
def chief():
    return User.objects.create_superuser("chief")


def test_records_are_found_by_the_start_of_their_key(audience, chief):
    rows = audience_rows(chief, "BO")

    assert [row.label for row in rows] == [
        "bo@example.com (Customers)",
        "bob@example.com (Customers)",
    ]
    assert rows[0].values == {"first_name": "bo", "email": "bo@example.com", "phone": ""}


def test_nobody_sees_records_without_the_right_to(audience):
    assert audience_rows(User.objects.create_user("clerk"), "bo") == []
    assert audience_rows(AnonymousUser(), "bo") == []


def test_some_records_are_offered_before_anything_is_typed(audience, chief):
    assert len(audience_rows(chief, "")) == 2
