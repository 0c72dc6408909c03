"""What AS2 writes into headers: the names of stations, Message-IDs, file names."""

from __future__ import annotations

import re
import secrets
from urllib.parse import quote

from integrations.exceptions import As2Refused

LONGEST_NAME = 128
LONGEST_FILE = 120  # bytes
PRINTABLE = re.compile(r"[ -~]+")
UNSAFE = re.compile(r"[^\w.,()+=@ -]")
ESCAPED = re.compile(r"\\(.)")


def write_as2_name(name: str) -> str:
    """For AS2-From and AS2-To (RFC 4130 6.2). Raises As2Refused."""
    if not PRINTABLE.fullmatch(name) or len(name) > LONGEST_NAME:
        raise As2Refused("An AS2 name has 1 to 128 printable ASCII characters.", "name")
    if not re.search(r'[ "\\]', name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def read_as2_name(value: str) -> str:
    """Without the quotes; a name no station can have is empty. Upper and lower case differ."""
    name = value.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = ESCAPED.sub(r"\1", name[1:-1])
    return name if PRINTABLE.fullmatch(name) and len(name) <= LONGEST_NAME else ""


def new_message_id(as2_id: str) -> str:
    """`<...>`, unique."""
    domain = re.sub(r"[^A-Za-z0-9-]+", "-", as2_id).strip("-") or "as2"
    return f"<{secrets.token_hex(20)}@{domain}>"


def same_message_id(left: str, right: str) -> bool:
    """With or without the angle brackets: some stations lose them."""
    return bool(bare_id(left)) and bare_id(left) == bare_id(right)


def bare_id(message_id: str) -> str:
    return message_id.strip().removeprefix("<").removesuffix(">").strip()


def safe_file_name(name: str) -> str:
    """What may be shown and stored as a name; empty when nothing is left of it."""
    base = re.split(r"[\\/]", name)[-1]
    base = UNSAFE.sub("_", base).strip(" .")
    stem, dot, ending = base.rpartition(".")
    if dot and len(ending.encode()) <= 10:
        room = LONGEST_FILE - len(ending.encode()) - 1
        return f"{_cut(stem, room)}.{ending}"
    return _cut(base, LONGEST_FILE)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")


def disposition(name: str) -> str:
    """Content-Disposition for a file of this name."""
    safe = safe_file_name(name)
    if not safe:
        return "attachment"
    if safe.isascii():
        return f'attachment; filename="{safe}"'
    plain = re.sub(r"[^ -~]", "_", safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe)}"
