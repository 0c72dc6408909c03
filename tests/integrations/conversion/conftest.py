from __future__ import annotations

import pytest

from integrations.conversion import Converted, Limits, Rule, convert
from tests.integrations.conversion.examples import example

SHORT = Limits(cpu=1, wall=10, memory=256 * 1024 * 1024)


@pytest.fixture
def order() -> bytes:
    return example("orders.edi")


@pytest.fixture
def envelope(order) -> bytes:
    """The example order as native XML."""
    rule = Rule("out", "fieldmap", example("orders-fieldmap.json").decode())
    return convert(order, "orders.edi", rule).output


@pytest.fixture
def made(order):
    """Convert the example order by a rule's engine and body, within a second."""

    def convert_it(engine: str, body: str, **words) -> Converted:
        return convert(order, "orders.edi", Rule("out", engine, body, **words), SHORT)

    return convert_it
