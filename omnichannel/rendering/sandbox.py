"""Asks the limited child about a template (see `check`)."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from omnichannel.exceptions import TemplateError

logger = logging.getLogger(__name__)

WALL_SECONDS = 15  # the processor limit of the child comes first, unless the machine is busy
CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from omnichannel.rendering.check import main; main()"
)
ROOT = str(Path(__file__).resolve().parent.parent.parent)
PARTS = {"subject": "Subject", "html": "HTML", "text": "Text"}
_places = threading.BoundedSemaphore(4)


def ask(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the child found. Raises TemplateError, also when the template was too much for it."""
    answer: dict[str, Any] = json.loads(_asked(json.dumps(request)))
    if "error" in answer:
        raise said(answer)
    return answer


# A preview asks twice, and a save for each of its texts before its transaction and again in it.
@lru_cache(maxsize=32)
def _asked(request: str) -> bytes:
    if not _places.acquire(timeout=WALL_SECONDS):
        raise TemplateError("Too many templates are being checked: try again in a moment.")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", "-c", CODE, ROOT],
            input=request.encode(),
            capture_output=True,
            timeout=WALL_SECONDS,
            env={},
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        text = "The template could not be checked: the machine is too busy. Try again in a moment."
        raise TemplateError(text) from error
    finally:
        _places.release()
    return read(done)


def read(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise TemplateError("The template takes too long to check: make it smaller.")
    if done.returncode:
        logger.warning("template check ended with %s: %s", done.returncode, done.stderr[-2000:])
        raise TemplateError("The template cannot be checked: it is too large or nested too deeply.")
    return done.stdout


def said(answer: Mapping[str, Any]) -> TemplateError:
    """The child's error, with its place in the text: "HTML, line 3, column 7: ..."."""
    line, column, part = answer.get("line"), answer.get("column"), answer.get("part", "")
    place = [PARTS[part]] if part in PARTS else []
    place += [f"{word} {count}" for word, count in (("line", line), ("column", column)) if count]
    text = f"{', '.join(place)}: {answer['error']}" if place else answer["error"]
    error = TemplateError(text, line=line, column=column)
    error.part = part
    return error
