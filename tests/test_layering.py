"""Who may import whom: the contracts of pyproject.toml, and one rule they cannot express."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOW = 3
LEVELS = {
    "apps": 7,
    "migrations": 7,
    "urls": 6,
    "admin": 5,
    "api": 5,
    "health": 5,
    "management": 5,
    "tracking_views": 5,
    "unsubscribe_views": 5,
    "webhooks": 5,
    "benchmarks": 4,
    "demo": 4,
    "demo_notice": 4,
    "proofs": 4,
    "tasks": 4,
    "models": 2,
    "backends": 1,
    "choices": 0,
    "crypto": 0,
    "exceptions": 0,
}

# Packages that know no rows, as backends do not.
PURE = ("integrations.conversion", "integrations.protocols.as2")


def test_import_contracts_hold():
    script = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run(
        [script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("app", ["omnichannel", "campaigns", "otp", "integrations"])
def test_imports_inside_an_app_go_down_only(app):
    graph = grimp.build_graph(app, cache_dir=None)

    upward = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _level(imported) > _level(importer)
    ]

    assert not upward


def _level(module: str) -> int:
    """A module that is not listed belongs to the flow: above the models, below the tasks."""
    if any(f"{module}.".startswith(f"{pure}.") for pure in PURE):
        return LEVELS["backends"]
    _, _, inside = module.partition(".")
    return LEVELS.get(inside.partition(".")[0], FLOW)
