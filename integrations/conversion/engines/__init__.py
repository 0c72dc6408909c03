"""The engines of conversion rules. They run in the limited child only."""

from __future__ import annotations
