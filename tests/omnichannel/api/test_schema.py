from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture(scope="module")
def summaries():
    """{(method, address): what the docs page says beside it}."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {
        (method, path.removeprefix("/api/v1/")): operation.get("summary", "")
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def test_every_operation_says_in_a_line_what_it_does(summaries):
    assert [key for key, text in summaries.items() if not 8 < len(text) < 100] == []


def test_operations_of_a_resource_are_named_after_it(summaries):
    assert summaries["get", "labels/"] == "List tags"
    assert summaries["patch", "events/{key}/"] == "Change an event"
    assert summaries["get", "provider-types/"] == "List provider types"


def test_other_operations_are_told_by_the_first_words_of_their_text(summaries):
    assert summaries["post", "campaigns/{id}/pause/"] == "Hold what is not sent yet"
    said = "Call it once, now, with an event of the type `webhook.test`"
    assert summaries["post", "outgoing-webhooks/{id}/test/"] == said
