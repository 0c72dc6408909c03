"""What a sending process must not carry: each module costs memory in every one of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOADED = """
import django; django.setup()
import json, sys
import omnichannel.tasks
print(json.dumps(sorted(sys.modules)))
"""


def test_worker_loads_no_page_of_the_studio():
    command = [sys.executable, "-c", LOADED]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)

    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "omnichannel.delivery" in loaded
    assert not loaded & {"omnichannel.admin", "campaigns.admin", "import_export.admin", "openpyxl"}
