"""The launcher fetches the visual editor where it can, and starts where it cannot."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.config.launcher import RUN

FRONTEND = RUN.parent / "frontend"
WORKS = "import os; os.makedirs('node_modules/grapesjs'); print('added')"
FAILS = "raise SystemExit('network')"
HANGS = "import time; time.sleep(600)"


@pytest.fixture
def launcher(run, monkeypatch, tmp_path):
    """With nothing to install but the visual editor."""
    monkeypatch.delenv("VISUAL_EDITOR", raising=False)
    monkeypatch.setattr(run, "make_venv", lambda: None)
    monkeypatch.setattr(run, "install", lambda name: None)
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "package-lock.json").write_text("{}")
    return run


@pytest.fixture
def npm(launcher, monkeypatch, tmp_path):
    """Puts a program in the place of npm; answers where it notes that it ran."""

    def put(program: str | None) -> Path:
        ran = tmp_path / "ran"
        path = tmp_path / "npm"
        path.write_text(f"#!{sys.executable}\nopen({str(ran)!r}, 'a').write('x')\n{program}\n")
        path.chmod(0o755)
        monkeypatch.setattr(launcher.shutil, "which", lambda name: str(path) if program else None)
        return ran

    return put


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".installing-*")]


def test_first_start_fetches_the_visual_editor_once(launcher, npm, tmp_path):
    ran = npm(WORKS)

    launcher.install_all("up")
    launcher.install_all("up")

    assert (tmp_path / "node_modules" / "grapesjs").is_dir()
    assert ran.read_text() == "x"
    assert not left_over(tmp_path)


def test_other_commands_fetch_nothing(launcher, npm, tmp_path):
    ran = npm(WORKS)

    launcher.install_all("migrate")

    assert not ran.exists()


def test_start_goes_on_without_npm(launcher, npm, tmp_path):
    npm(None)

    launcher.install_all("up")

    assert not (tmp_path / "node_modules").exists()


def test_setting_turns_the_fetching_off(launcher, npm, monkeypatch):
    ran = npm(WORKS)
    monkeypatch.setenv("VISUAL_EDITOR", "0")

    launcher.install_all("up")

    assert not ran.exists()


def test_start_goes_on_without_network_and_does_not_ask_again(launcher, npm, tmp_path, capsys):
    ran = npm(FAILS)

    launcher.install_all("up")
    launcher.install_all("up")

    assert ran.read_text() == "x"
    assert capsys.readouterr().err.count("could not be fetched") == 1
    assert not left_over(tmp_path)


def test_new_pins_are_fetched_even_after_a_failure(launcher, npm, tmp_path):
    npm(FAILS)
    launcher.install_all("up")
    npm(WORKS)

    (tmp_path / "package-lock.json").write_text('{"a": 1}')
    launcher.install_all("up")

    assert (tmp_path / "node_modules").is_dir()


def test_npm_that_hangs_is_ended(launcher, npm, monkeypatch, tmp_path):
    npm(HANGS)
    monkeypatch.setattr(launcher, "EDITOR_SECONDS", 0.1)

    launcher.install_all("up")

    assert not left_over(tmp_path)
    assert not (tmp_path / "node_modules").exists()


def test_start_that_is_stopped_takes_npm_along(launcher, npm, monkeypatch, tmp_path):
    npm(HANGS)
    started = []
    begin = launcher.VisualEditor.begin
    monkeypatch.setattr(
        launcher.VisualEditor, "begin", lambda self: started.append(self) or begin(self)
    )

    def stopped(name):
        raise SystemExit(0)

    monkeypatch.setattr(launcher, "install", stopped)

    with pytest.raises(SystemExit):
        launcher.install_all("up")

    assert started[0].npm.poll() is not None
    assert not left_over(tmp_path)


def test_asking_for_it_tries_again_and_tells_the_outcome(launcher, npm, tmp_path):
    npm(FAILS)
    with pytest.raises(SystemExit, match="could not be fetched"):
        launcher.fetch_visual_editor()

    npm(WORKS)
    with pytest.raises(SystemExit) as ended:
        launcher.fetch_visual_editor()

    assert ended.value.code == 0


def test_asking_for_it_without_npm_says_what_to_install(launcher, npm):
    npm(None)

    with pytest.raises(SystemExit, match="npm is missing"):
        launcher.fetch_visual_editor()


def test_every_package_is_pinned_by_its_content_and_by_no_address():
    lock = json.loads((FRONTEND / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
    assert {package["license"] for package in packages.values()} <= {"MIT", "BSD-3-Clause"}


def test_the_image_has_the_same_packages():
    dockerfile = (RUN.parent / "Dockerfile").read_text()

    assert re.search(r"COPY frontend/package.json frontend/package-lock.json", dockerfile)
    assert "npm ci --ignore-scripts" in dockerfile
