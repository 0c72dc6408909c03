from __future__ import annotations

import datetime

import pytest

from omnichannel.api.filters import StudioFilterSet
from omnichannel.models import ApiKey

UTC = datetime.UTC


class Made(StudioFilterSet):
    class Meta:
        model = ApiKey
        fields = {"created_at": ["gte"], "is_test": ["exact"]}


def read(text):
    form = Made({"created_at__gte": text}).form
    return form.cleaned_data["created_at__gte"] if form.is_valid() else None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T12:00:00Z", datetime.datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02T12:00:00.5Z", datetime.datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-02T14:00:00+02:00", datetime.datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-03T09:58:00+21:58", datetime.datetime(2026, 3, 2, 12, tzinfo=UTC)),
    ],
)
def test_moment_has_its_zone(text, moment):
    assert read(text) == moment
    assert read(text).tzinfo is UTC  # another may be one that a database does not know


def test_moment_before_all_time_is_none():
    assert read("0001-01-01T00:00:00+12:00") is None


@pytest.mark.parametrize(
    "text",
    ["0", "2026-03-02", "2026-03-02T12:00:00", "2026-03-02 12:00:00Z", "2026-02-30T12:00:00Z"],
)
def test_anything_else_is_no_moment(text):
    assert read(text) is None


@pytest.mark.parametrize(("text", "is_valid"), [("true", True), ("false", True), ("1", False)])
def test_truth_is_told_as_json_tells_it(text, is_valid):
    assert Made({"is_test": text}).form.is_valid() is is_valid
