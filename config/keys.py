"""Keys that a first start makes and every later start reads."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path


def key_from_file(path: Path) -> str:
    """The key kept in `path`; made there with mode 0600 when there is none yet.

    32 random bytes, URL-safe base64: fit for SECRET_KEY and for Fernet. Two processes that
    start at once agree on one key, since the file is linked into place only if it is absent.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
