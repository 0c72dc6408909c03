"""Whatever is sent, it is read or refused: nothing else happens."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.conversion import edifact, json_tree, tables, x12
from integrations.conversion.facts import read_facts
from integrations.conversion.native_reading import parse_native
from integrations.conversion.patterns import matches
from integrations.conversion.views import view_of
from integrations.exceptions import IntegrationError
from tests.integrations.conversion.examples import example

QUICK = settings(max_examples=30, deadline=None)
NAMES = ("orders.edi", "order-850.x12", "orders.csv", "order.json", "orders.xsl")
PLACES = st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=4)), max_size=6)


def damaged(data: bytes, damages: list[tuple[int, bytes]]) -> bytes:
    for place, other in damages:
        at = place % (len(data) + 1)
        data = data[:at] + other + data[at + len(other) // 2 + 1 :]
    return data


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(PLACES)
def test_a_damaged_document_is_read_or_refused(name, damages):
    data = damaged(example(name), damages)

    for read in (read_facts, parse_native, lambda each: view_of(each, name)):
        with contextlib.suppress(IntegrationError):
            read(data)


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for read in (edifact.read, x12.read, tables.read, json_tree.read, read_facts, parse_native):
        with contextlib.suppress(IntegrationError):
            read(data)


@QUICK
@given(st.text(max_size=40), st.binary(max_size=60))
def test_any_pattern_matches_or_is_refused(pattern, content):
    with contextlib.suppress(IntegrationError):
        matches(pattern, "content", content=content)
