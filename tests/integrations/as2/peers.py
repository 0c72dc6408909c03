"""Independent AS2 stations: OpenSSL's `cms`, and libas2 for Node."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from integrations.protocols.as2 import mime
from tests.integrations.as2.stations import pem_files

HERE = Path(__file__).parent / "peer"
# Current versions of Node refuse to open keys that are packed with PKCS #1 v1.5.
NODE_FLAGS = ["--security-revert=CVE-2023-46809"]


def run(*words, cwd=None):
    done = subprocess.run(words, capture_output=True, cwd=cwd, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


def program(name):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def installed_peer():
    """The folder with libas2 in it, installed once for all workers."""
    npm = program("npm")
    folder = Path(tempfile.gettempdir()) / f"as2-peer-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.copy(HERE / "package.json", folder)
            words = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            words.append("--no-package-lock")
            done = subprocess.run(words, capture_output=True, cwd=folder, timeout=300)
            if done.returncode != 0:
                pytest.skip("libas2 cannot be installed: the npm registry does not answer")
            (folder / "installed").touch()
        shutil.copy(HERE / "peer.js", folder)
    return folder


class LibAs2:
    """A station of this name, which knows one partner."""

    def __init__(self, own, partner, place):
        self.node, self.folder, self.place = program("node"), installed_peer(), place
        key, cert = pem_files(place, "peer", own.keys[0])
        _, partner_cert = pem_files(place, "peer-partner", partner.keys[0])
        self.job = {
            "own_id": own.as2_id,
            "partner_id": partner.as2_id,
            "key": str(key),
            "cert": str(cert),
            "partner_cert": str(partner_cert),
        }

    def build(self, payload, **wishes):
        """Headers and body of a message."""
        (self.place / "payload").write_bytes(payload)
        self._do("build", payload=str(self.place / "payload"), **wishes)
        return split((self.place / "out").read_bytes())

    def answer(self, headers, body, **wishes):
        """What it read, and headers and body of its receipt."""
        said = self._do("answer", message=self._message(headers, body), **wishes)
        return json.loads(said), *split((self.place / "out").read_bytes())

    def read_receipt(self, headers, body, **wishes):
        return json.loads(self._do("receipt", message=self._message(headers, body), **wishes))

    def _message(self, headers, body):
        path = self.place / "message"
        path.write_bytes(mime.head(headers) + body)
        return str(path)

    def _do(self, action, **fields):
        job = self.place / "job.json"
        job.write_text(json.dumps({**self.job, "out": str(self.place / "out"), **fields}))
        said = run(self.node, *NODE_FLAGS, "peer.js", action, str(job), cwd=self.folder)
        return said.strip().splitlines()[-1]  # Node warns of its flag before


def split(message):
    """Headers and body, as HTTP carries them."""
    entity = mime.parse(message)
    headers = {name.title(): value for name, value in entity.headers.items()}
    return headers, bytes(entity.content)
