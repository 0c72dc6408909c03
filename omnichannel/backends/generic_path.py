"""Where a value is in JSON: names and numbers with dots between, such as data.messages[0].id"""

from __future__ import annotations

import re
from typing import Any

PATH = re.compile(r"[^\s.\[\]]{1,80}(?:\.[^\s.\[\]]{1,80}|\[[0-9]{1,4}\]){0,15}|\[[0-9]{1,4}\]")
STEP = re.compile(r"[^.\[\]]+")


def check_path(text: str) -> str:
    """Raises ValueError with advice."""
    if text and not PATH.fullmatch(text):
        raise ValueError("Write names with dots between, such as data.messages[0].id")
    return text


def find(value: Any, path: str) -> Any:
    """What is there, or None. A name with dots in it, as forms have them, is found as well."""
    if not path:
        return None
    if isinstance(value, dict) and path in value:
        return value[path]
    for step in STEP.findall(path):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) <= 4:
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
