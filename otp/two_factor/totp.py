"""Codes of authenticator apps (RFC 6238): 30 seconds, six digits, SHA-1, as every app has it."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from django.utils.safestring import SafeString
from django_otp.oath import hotp

STEP = 30
DIGITS = 6
TOLERANCE = 1  # steps before and after: clocks differ, and typing takes time


def new_secret() -> str:
    """160 random bits (RFC 4226), in base32 as apps take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def in_groups(secret: str) -> str:
    """Four by four, to be typed from a screen."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def address(secret: str, *, issuer: str, account: str) -> str:
    """The otpauth:// address that an app reads from the picture."""
    label = quote(f"{issuer}:{account}", safe="")
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def picture(text: str) -> SafeString:
    """A QR code as SVG, dark on light in either theme: readers expect it so."""
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(omitsize=True, border=3, dark="#000", light="#fff")
    return SafeString(svg)


def code_of(secret: str, step: int) -> str:
    return f"{hotp(base64.b32decode(secret), step, DIGITS):0{DIGITS}d}"


def step_at(at: datetime) -> int:
    return int(at.timestamp()) // STEP


def matching_step(secret: str, code: str, *, at: datetime) -> int | None:
    """The time step whose code this is; all are compared, whichever it is."""
    if not (len(code) == DIGITS and code.isascii() and code.isdigit()):
        return None
    now = step_at(at)
    steps = range(now - TOLERANCE, now + TOLERANCE + 1)
    found = [step for step in steps if hmac.compare_digest(code_of(secret, step), code)]
    return found[-1] if found else None
