"""The upper bounds of the house style; within them, taste decides."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
THIS = Path(__file__).resolve()
LONGEST_FILE = 300
LONGEST_TEST_FILE = 400
LONGEST_FUNCTION = 60
VAGUE = {"utils", "helpers", "services", "common", "manager", "managers", "misc", "util"}
SILENCERS = re.compile(r"#\s*(type:\s*ignore|noqa|pragma|TODO|FIXME)")
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=.application/(ld\+)?json)", re.I)
INLINE_HANDLER = re.compile(r"\son(click|change|load|submit|input|error|key\w+|mouse\w+)\s*=", re.I)
OTHER_HOST = re.compile(
    r"""(?:src|srcset|action|poster)\s*=\s*["'](?:https?:)?//"""
    r"""|<link[^>]+href\s*=\s*["'](?:https?:)?//"""
    r"""|url\(\s*["']?(?:https?:)?//|@import|(?:fetch|import)\(\s*["'`](?:https?:)?//""",
    re.I,
)


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for line in listed.splitlines() if (path := ROOT / line).exists()]


PYTHON = [path for path in _tracked("*.py") if "migrations" not in path.parts]
WEB = _tracked("templates/*", "static/*", "*/templates/*", "*/static/*")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _found(pattern: re.Pattern, paths: list[Path]) -> list[str]:
    return [
        f"{_name(path)}:{number}: {line.strip()[:100]}"
        for path in paths
        if path.suffix in (".py", ".html", ".js", ".css", ".txt", ".svg")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]


def test_files_stay_short():
    long = {
        _name(path): lines
        for path in PYTHON
        if (lines := len(path.read_text().splitlines()))
        > (LONGEST_TEST_FILE if "tests" in path.parts else LONGEST_FILE)
    }

    assert not long


def test_functions_stay_short():
    long = [
        f"{_name(path)}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]

    assert not long


def test_modules_are_named_after_what_they_do():
    assert not [_name(path) for path in PYTHON if path.stem in VAGUE or path.parent.name in VAGUE]


def test_every_module_postpones_its_annotations():
    without = [
        _name(path)
        for path in PYTHON
        if (text := path.read_text()).strip() and "from __future__ import annotations" not in text
    ]

    assert not without


def test_every_signature_outside_the_tests_is_annotated():
    bare = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in PYTHON
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is None
    ]

    assert not bare


def test_no_check_is_silenced():
    assert not _found(SILENCERS, [path for path in PYTHON if path != THIS])


@pytest.mark.parametrize("pattern", [INLINE_SCRIPT, INLINE_HANDLER], ids=["script", "handler"])
def test_pages_carry_no_inline_script(pattern):
    assert not _found(pattern, [path for path in WEB if path.suffix == ".html"])


def test_nothing_loads_from_another_host():
    assert not _found(OTHER_HOST, WEB)


def test_only_admin_base_names_unfold_in_an_import():
    importers = {
        _name(path)
        for path in PYTHON
        if re.search(r"^\s*(from|import) unfold", path.read_text(), re.M)
    }

    assert importers == {"omnichannel/admin/base.py"}
