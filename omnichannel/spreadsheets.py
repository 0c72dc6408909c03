"""Turns the first sheet of an Excel workbook into CSV, in a process that cannot do harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from omnichannel.exceptions import ImportRefused

MAX_BYTES = 50 * 1024 * 1024
SECONDS = 120
CHILD_REFUSED = 3  # the exit code of the child when the last line of its stderr is for people
CHILD = Path(__file__).with_name("xlsx_child.py")


def to_csv(source: Path, target: Path) -> None:
    """Write the sheet as UTF-8 CSV. Raises ImportRefused.

    The child has limits on memory, time and output: a workbook made to exhaust them ends it.
    """
    if source.stat().st_size > MAX_BYTES:
        raise ImportRefused(
            f"A workbook can have {MAX_BYTES // 1024**2} MB at most. Save it as CSV instead."
        )
    command = [sys.executable, "-I", str(CHILD), str(source), str(target)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ImportRefused(
            "The workbook takes too long to read. Save it as CSV instead."
        ) from error
    if done.returncode == CHILD_REFUSED:
        raise ImportRefused(done.stderr.decode("utf-8", "replace").strip()[-500:])
    if done.returncode:
        raise ImportRefused(
            "This is not an Excel workbook that can be read. Open it and save it as CSV."
        )
