from __future__ import annotations

import pytest

from omnichannel.sms_text import measure


@pytest.mark.parametrize(
    ("text", "encoding", "length", "parts"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("ț" * 70, "Unicode", 70, 1),
        ("ț" * 71, "Unicode", 71, 2),
        ("😀" * 35, "Unicode", 70, 1),
        ("😀" * 36, "Unicode", 72, 2),
    ],
)
def test_parts_are_counted_as_on_the_wire(text, encoding, length, parts):
    assert measure(text) == (encoding, length, parts)
