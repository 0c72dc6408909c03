from __future__ import annotations

import subprocess
import sys

import pytest

from tests.config.launcher import RUN


def test_too_old_python_is_told_in_one_sentence(run, monkeypatch):
    monkeypatch.setattr(run.shutil, "which", lambda name: None)

    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and this is Python 3\.9"):
        run.need_python((3, 9, 2))


def test_too_old_python_hands_over_to_a_newer_one(run, monkeypatch):
    handed_over = []
    monkeypatch.setattr(run.shutil, "which", lambda name: sys.executable)
    monkeypatch.setattr(run.os, "execv", lambda path, args: handed_over.append(path) or exit())

    with pytest.raises(SystemExit):
        run.need_python((3, 9, 2))

    assert handed_over == [sys.executable]


def test_launcher_is_readable_by_a_python_that_is_too_old():
    compile(RUN.read_text(), "run", "exec", flags=0, dont_inherit=True)

    assert "from __future__" not in RUN.read_text().replace("`from __future__`", "")


def test_packages_are_installed_only_when_the_list_changed(run, monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("a==1\n")
    calls = []
    monkeypatch.setattr(run, "pip_command", lambda: calls.append(1) or [sys.executable, "-c", ""])

    run.install("requirements.txt")
    run.install("requirements.txt")
    assert len(calls) == 1

    (tmp_path / "requirements.txt").write_text("a==2\n")
    run.install("requirements.txt")
    assert len(calls) == 2


def test_missing_network_is_told_in_one_sentence(run, monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("a==1\n")
    failing = "print('NewConnectionError: refused'); print('ERROR: No match'); raise SystemExit(1)"
    monkeypatch.setattr(run, "pip_command", lambda: [sys.executable, "-c", failing])

    with pytest.raises(SystemExit, match="connect to the network") as stopped:
        run.install("requirements.txt")

    assert "\n" not in stopped.value.code


def test_failed_installation_is_tried_again(run, monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("a==1\n")
    monkeypatch.setattr(run, "pip_command", lambda: [sys.executable, "-c", "raise SystemExit(1)"])

    with pytest.raises(SystemExit):
        run.install("requirements.txt")

    assert not list(tmp_path.glob(".requirements*"))


def test_a_python_without_ensurepip_still_gets_an_environment(run, monkeypatch, tmp_path):
    tried = []

    def without_ensurepip(*command):
        tried.append(command)
        return "--without-pip" in command

    monkeypatch.setattr(run, "PYTHON", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(run, "succeeds", without_ensurepip)

    run.make_venv()

    assert len(tried) == 2


def test_a_missing_pip_is_one_clear_sentence(run, monkeypatch):
    monkeypatch.setattr(run, "succeeds", lambda *command: False)

    with pytest.raises(SystemExit, match="pip is missing: install it"):
        run.pip_command()


def test_any_command_works_from_any_folder(tmp_path):
    root = RUN.parent
    manage = [sys.executable, root / "manage.py", "version"]

    result = subprocess.run(manage, cwd=tmp_path, capture_output=True, text=True, timeout=30)

    assert result.returncode == 0
    assert not list(tmp_path.iterdir())
