"""Where the launcher is."""

from __future__ import annotations

from pathlib import Path

RUN = Path(__file__).resolve().parent.parent.parent / "run"
