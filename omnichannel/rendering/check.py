"""The limited child process that looks at a template before anything else does.

Reads one JSON object from its input and writes one to its output (see `sandbox.ask`). It knows
no Django, no database and no secret. A template that is too much for it dies with it.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from typing import Any

CPU_SECONDS = 1
MEMORY_BYTES = 256 * 1024 * 1024


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    limit()
    from omnichannel.exceptions import TemplateError
    from omnichannel.rendering.examine import examine
    from omnichannel.rendering.visual import shown

    request: Mapping[str, Any] = json.load(sys.stdin)
    try:
        answer = shown(request["show"]) if "show" in request else examine(request)
    except TemplateError as error:
        answer = {
            "error": str(error),
            "line": error.line,
            "column": error.column,
            "part": error.part,
        }
    except MemoryError:
        answer = {"error": "The template needs too much memory."}
    json.dump(answer, sys.stdout)
