"""Mails as they come back, made for one message: `corpus/*.eml`, with CRLF line ends.

The style of each is that of the software its name begins with; all names are of example.com.
"""

from __future__ import annotations

from pathlib import Path

from omnichannel.backends.return_path import address_for

FOLDER = Path(__file__).parent / "corpus"
BOUNCES = "bounces@example.com"


def names(prefix: str = "") -> list[str]:
    return sorted(path.stem for path in FOLDER.glob(f"{prefix}*.eml"))


def mail(name: str, key: str, *, has_token: bool = False, recipient: str = "") -> bytes:
    """`has_token`: the message was sent with a return path of its own (VERP)."""
    to = address_for(key, BOUNCES) if has_token else BOUNCES
    text = (FOLDER / f"{name}.eml").read_text()
    text = text.replace("{key}", key).replace("{to}", to)
    text = text.replace("ann@example.com", recipient) if recipient else text
    return text.replace("\n", "\r\n").encode()
