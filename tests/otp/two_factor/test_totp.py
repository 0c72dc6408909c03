from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from otp.two_factor import totp

# RFC 6238, appendix B: the last six digits of the SHA-1 column.
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
FULL_WIDTH = "".join(chr(0xFF10 + int(digit)) for digit in "287082")
VECTORS = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_codes_are_those_of_the_standard(seconds, code):
    at = datetime.fromtimestamp(seconds, UTC)

    assert totp.matching_step(KEY, code, at=at) == seconds // 30


@pytest.mark.parametrize(
    ("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clocks_may_differ_by_one_step(steps, fits):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    code = totp.code_of(KEY, totp.step_at(at + timedelta(seconds=30 * steps)))

    assert (totp.matching_step(KEY, code, at=at) is not None) is fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "28708",
        "2870820",
        FULL_WIDTH,
        "28708\u0662",
        "abcdef",
        "é" * 6,
    ],
)
def test_what_is_no_code_fits_nothing(text):
    assert totp.matching_step(KEY, text, at=datetime.fromtimestamp(59, UTC)) is None


def test_secrets_are_160_bits_and_never_the_same():
    secrets = {totp.new_secret() for _ in range(50)}

    assert {len(secret) for secret in secrets} == {32}
    assert len(secrets) == 50


def test_the_address_survives_odd_names():
    address = totp.address(KEY, issuer="Omnichannel Studio", account="a b&c/é")

    assert address == (
        "otpauth://totp/Omnichannel%20Studio%3Aa%20b%26c%2F%C3%A9"
        f"?secret={KEY}&issuer=Omnichannel%20Studio"
    )


def test_the_picture_is_an_svg_without_scripts_or_other_hosts():
    svg = totp.picture("otpauth://totp/x?secret=ABC")

    assert svg.startswith("<svg")
    assert "href" not in svg
    assert "<script" not in svg
