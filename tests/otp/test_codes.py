"""Codes are drawn by chance alone, and what is kept of them gives nothing away."""

from __future__ import annotations

import ast
import collections
import itertools
import re
from pathlib import Path

import pytest

import otp
from otp import codes, digests
from otp.choices import CodeKind
from otp.models import OtpChallenge

WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in "123456")
FOLDER = Path(otp.__file__).parent


def sources():
    return [path for path in FOLDER.rglob("*.py") if "migrations" not in path.parts]


def chi_square(counts, kinds):
    expected = sum(counts.values()) / kinds
    return sum((counts[kind] - expected) ** 2 / expected for kind in counts) + expected * (
        kinds - len(counts)
    )


# By chance alone the sum passes these bounds once in 100,000 runs.
@pytest.mark.parametrize(
    ("kind", "bound"), [(CodeKind.NUMERIC, 42.0), (CodeKind.ALPHANUMERIC, 62.0)]
)
def test_every_character_is_as_likely_at_every_place(kind, bound):
    alphabet = codes.ALPHABETS[kind]
    drawn = [codes.generate(6, kind) for _ in range(20_000)]

    for place in range(6):
        counts = collections.Counter(code[place] for code in drawn)
        assert set(counts) <= set(alphabet)
        assert chi_square(counts, len(alphabet)) < bound


def test_every_code_is_as_likely():
    drawn = collections.Counter(codes.generate(4, CodeKind.NUMERIC)[:3] for _ in range(40_000))

    assert chi_square(drawn, 1_000) < 1_210  # 999 expected, 45 the deviation


def test_neighbours_say_nothing_of_one_another():
    drawn = "".join(codes.generate(8, CodeKind.NUMERIC) for _ in range(5_000))
    pairs = collections.Counter(map("".join, itertools.pairwise(drawn)))

    assert chi_square(pairs, 100) < 180


def test_no_other_source_of_chance_is_used():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert "random" not in [name.name for name in node.names], path
            if isinstance(node, ast.ImportFrom):
                assert node.module != "random", path


def test_digests_are_compared_in_constant_time_only():
    text = (FOLDER / "digests.py").read_text()

    assert "hmac.compare_digest(" in text
    for path in sources():
        compared = re.findall(r"\.digest\s*[!=]=|[!=]=\s*\w+\.digest\b", path.read_text())
        assert not compared, path


@pytest.mark.parametrize(
    ("length", "kind", "least"),
    [(4, "numeric", 13), (6, "numeric", 19.9), (8, "numeric", 26), (6, "alphanumeric", 26)],
)
def test_strength_is_told_in_bits(length, kind, least):
    assert least < codes.bits(length, kind) < least + 1


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" 12 34-56 ", "123456"),
        ("ab3d", "AB3D"),
        ("123456789", ""),
        ("12345\n", ""),
        (WIDE, ""),
        ("+12345", ""),
        (None, ""),
        (b"123456", ""),
    ],
    ids=range(8),
)
def test_code_is_read_as_it_was_made(typed, read):
    assert codes.canonical(typed) == read


def test_letters_that_are_mistaken_for_others_are_left_out():
    assert not set("0O1IL2Z5S8BUV") & set(codes.UNAMBIGUOUS)


def challenge(**values):
    row = OtpChallenge(destination="+447700900123", purpose="login", caller="key a", **values)
    row.key_id, row.digest = digests.digest(row, "123456")
    return row


def test_same_code_of_two_requests_is_kept_as_two_values():
    assert challenge().digest != challenge().digest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("destination", "+447700900124"),
        ("purpose", "payment"),
        ("caller", "key b"),
        ("channel", "email"),
        ("sends", 2),
        ("is_test", True),
    ],
)
def test_digest_is_of_no_use_elsewhere(name, value):
    row = challenge()

    setattr(row, name, value)

    assert not digests.matches(row, "123456")


def test_another_key_makes_another_digest(settings):
    settings.OTP_HASH_KEYS = ["one"]
    row = challenge()
    assert digests.matches(row, "123456")

    settings.OTP_HASH_KEYS = ["two"]

    assert not digests.matches(row, "123456")


def test_live_codes_outlast_a_change_of_the_key(settings):
    settings.OTP_HASH_KEYS = ["one"]
    row = challenge()

    settings.OTP_HASH_KEYS = ["two", "one"]

    assert digests.matches(row, "123456")
    assert not digests.matches(row, "123457")
    assert challenge().key_id != row.key_id


def test_without_keys_of_their_own_they_come_from_the_ring_of_secrets(settings):
    settings.OTP_HASH_KEYS = []
    settings.FIELD_ENCRYPTION_KEYS = ["old"]
    row = challenge()

    settings.FIELD_ENCRYPTION_KEYS = ["new", "old"]

    assert digests.matches(row, "123456")
    settings.FIELD_ENCRYPTION_KEYS = ["new"]
    assert not digests.matches(row, "123456")
