from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader

import pytest

from tests.config.launcher import RUN


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The launcher as a module, with a folder of its own to install into."""
    loader = SourceFileLoader("run_under_test", str(RUN))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path))
    monkeypatch.setattr(module, "FRONTEND", str(tmp_path))
    monkeypatch.setattr(module, "INSTALL_LOG", str(tmp_path / "install.log"))
    return module
