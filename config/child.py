"""What the child processes of `up` share: how they begin, are rung, and end with their parent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import NoReturn

from omnichannel.lifecycle import request_stop

GRACE_SECONDS = 2.8
NICENESS = 5  # a page that somebody waits for goes before a campaign


def begin() -> SimpleQueue[str]:
    """The names of tasks that are rung for, as they come. SIGTERM, and the end of the parent,
    ask this process to stop.
    """
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda *_: request_stop())
    # Ctrl-C reaches the whole group; the parent passes it on in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rings: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(rings,), daemon=True).start()
    return rings


def _listen(rings: SimpleQueue[str]) -> None:
    """Rings come on standard input. The parent holds its other end, which closes even on
    `kill -9`: then this process ends too.
    """
    for line in sys.stdin:
        rings.put(line.strip())
    request_stop()
    time.sleep(GRACE_SECONDS + 0.4)
    end(1)


def end(code: int) -> NoReturn:
    """End at once: a thread that still waits for a slow peer must not hold us back."""
    logging.shutdown()
    os._exit(code)
