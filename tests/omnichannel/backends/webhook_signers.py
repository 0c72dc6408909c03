"""Calls as vendors make and sign them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpRequest
from django.test import RequestFactory

PATH = "/webhooks/x/y/"
SECRET = "a-secret-of-the-vendor"
LOGIN = "studio:a-long-password"
SVIX = "whsec_" + base64.b64encode(b"a secret of svix").decode()


@cache
def curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public(key) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def as_json(body) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def hexed(secret: str, data: bytes) -> str:
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def sendgrid(body, now: float):
    data, stamp = as_json(body) + b"\r\n" * (not isinstance(body, bytes)), str(int(now))
    signed = curve_key().sign(stamp.encode() + data, ec.ECDSA(hashes.SHA256()))
    return data, {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }


def with_login(body, now: float):
    return as_json(body), {"Authorization": "Basic " + base64.b64encode(LOGIN.encode()).decode()}


def mailgun(body, now: float):
    if isinstance(body, bytes):
        return body, {}
    signature = hexed(SECRET, f"{int(now)}token".encode())
    signed = {"timestamp": str(int(now)), "token": "token", "signature": signature}
    return as_json({**body, "signature": signed}), {}


def mandrill(body, now: float):
    events = as_json(body).decode("utf-8", "replace")
    text = f"http://testserver{PATH}mandrill_events{events}".encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha1).digest())
    return urlencode({"mandrill_events": events}).encode(), {
        "X-Mandrill-Signature": signature.decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }


def postal(body, now: float):
    signed = rsa_key().sign(as_json(body), padding.PKCS1v15(), hashes.SHA1())
    return as_json(body), {"X-Postal-Signature": base64.b64encode(signed).decode()}


def resend(body, now: float):
    stamp, data = str(int(now)), as_json(body)
    signed = hmac.new(b"a secret of svix", f"msg_2a7b.{stamp}.".encode() + data, hashlib.sha256)
    return data, {
        "svix-id": "msg_2a7b",
        "svix-timestamp": stamp,
        "svix-signature": "v1,bm8= v1," + base64.b64encode(signed.digest()).decode(),
    }


def unisender(body, now: float):
    data = as_json(body)
    auth = hashlib.md5(data.replace(b"0" * 32, SECRET.encode())).hexdigest()
    return data.replace(b"0" * 32, auth.encode()), {}


def header(name: str) -> Callable:
    return lambda body, now: (as_json(body), {name: hexed(SECRET, as_json(body))})


# slug: (the setting with the secret, its value, what signs)
VENDORS = {
    "sendgrid": ("webhook_key", public(curve_key()), sendgrid),
    "anymail-brevo": ("webhook_login", LOGIN, with_login),
    "anymail-mailersend": ("webhook_secret", SECRET, header("Signature")),
    "anymail-mailgun": ("webhook_secret", SECRET, mailgun),
    "anymail-mailjet": ("webhook_login", LOGIN, with_login),
    "anymail-mailtrap": ("webhook_secret", SECRET, header("Mailtrap-Signature")),
    "anymail-mandrill": ("webhook_secret", SECRET, mandrill),
    "anymail-postal": ("webhook_key", public(rsa_key()), postal),
    "anymail-postmark": ("webhook_login", LOGIN, with_login),
    "anymail-resend": ("webhook_secret", SVIX, resend),
    "anymail-sparkpost": ("webhook_login", LOGIN, with_login),
    "anymail-unisender-go": ("app_key", SECRET, unisender),
}


def call(slug: str, body, now: float, *, path: str = PATH, **changed) -> HttpRequest:
    """A call of the vendor; `body` as bytes is signed as it is."""
    data, headers = VENDORS[slug][2](body, now)
    headers = {**headers, **changed}
    kind = headers.pop("Content-Type", "application/json")
    return RequestFactory().post(path, data, content_type=kind, headers=headers)
