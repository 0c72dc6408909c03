"""The commands of docs/api.md, run by a shell as they stand, one after the other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.live import ROOT

PAGE = ROOT / "docs" / "api.md"
SERVER = "http://127.0.0.1:8000"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\s*(curl|\./run)\b|\$\((curl|\./run)\b", re.MULTILINE)
SECONDS = 300
START = """
set -euo pipefail
export PATH="$PWD/bin:$PATH"
"""
CURL = """#!/bin/sh
# An answer that is an error ends the script.
exec {curl} --silent --show-error --fail-with-body "$@"
"""
RUN = """#!/bin/sh
exec {python} {root}/manage.py "$@"
"""


def blocks() -> list[tuple[str, str]]:
    """(language, text) of each block of the page."""
    return FENCE.findall(PAGE.read_text())


def script() -> str:
    shown = [text for language, text in blocks() if language == "sh"]
    parts = [f"echo '### {number}'\n{text}" for number, text in enumerate(shown, 1)]
    return START + "\n".join(parts).replace(SERVER, "$SERVER")


def executable(path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_every_command_is_in_a_block_that_is_run():
    others = [text for language, text in blocks() if language != "sh"]

    assert not [text for text in others if COMMAND.search(text)]
    assert len([language for language, _ in blocks() if language == "sh"]) >= 7


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="no curl, or no jq")
def test_commands_of_the_page_work_as_they_stand(product, tmp_path):
    folder = tmp_path / "reader"
    folder.mkdir()
    executable(folder / "run", RUN.format(python=sys.executable, root=ROOT))
    executable(folder / "bin" / "curl", CURL.format(curl=shutil.which("curl")))

    done = subprocess.run(
        ["bash", "-c", script()],
        cwd=folder,
        env=product.env(SERVER=product.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    campaign = product.look_up(
        "SELECT status FROM campaigns_campaign WHERE identifier = 'api-offer'"
    )
    assert campaign == [("finished",)]
    sent = "SELECT to_address FROM omnichannel_message WHERE to_address = 'dora@example.com'"
    assert product.look_up(sent) == [("dora@example.com",)]
