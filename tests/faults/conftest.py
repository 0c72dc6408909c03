from __future__ import annotations

import pytest

from tests.faults.forked import database_for_many
from tests.faults.oracle import complaints
from tests.faults.provider import Provider


@pytest.fixture(scope="session")
def provider_process():
    with Provider() as process:
        yield process


@pytest.fixture
def wire(provider_process, tmp_path):
    """The scripted provider, well-behaved until it is told otherwise."""
    provider_process.play(tmp_path / "ledger")
    return provider_process


@pytest.fixture
def play(wire, tmp_path):
    """Give the provider its rules."""

    def give(*rules, **more) -> Provider:
        wire.play(tmp_path / "ledger", *rules, **more)
        return wire

    return give


@pytest.fixture
def shared(transactional_db, tmp_path, settings):
    """A database that forked processes work on, with a journal folder of its own."""
    settings.VAR_DIR = tmp_path
    with database_for_many(tmp_path):
        yield


@pytest.fixture
def judged(wire):
    """What the oracle has to complain about, given the ledger of this test."""
    return lambda **options: complaints(wire.path, **options)
