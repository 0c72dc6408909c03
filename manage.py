#!/usr/bin/env python
from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    if sys.argv[1:2] == ["up"]:
        # Also while Django is still loading, a stop is an orderly end and not a failure.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
