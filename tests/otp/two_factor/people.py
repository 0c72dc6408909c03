"""Users with devices, and what they type."""

from __future__ import annotations

import itertools

from django.contrib.auth.models import User
from django.utils import timezone

from otp.models import MessageDevice, TotpDevice
from otp.two_factor import totp

PASSWORD = "a-long-password"
LOGIN = "/admin/login/"
STEP = "/admin/two-factor/"
DEVICES = "/admin/two-factor/devices/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_numbers = itertools.count(1)


def make_user(**values) -> User:
    values = {"username": f"user-{next(_numbers)}", "is_staff": True, **values}
    user = User(**values)
    user.set_password(PASSWORD)
    user.save()
    return user


def make_app(user, **values) -> TotpDevice:
    values = {"secret": SECRET, "created_at": timezone.now(), **values}
    return TotpDevice.objects.create(user=user, **values)


def make_number(user, number="+12025550143") -> MessageDevice:
    return MessageDevice.objects.create(
        user=user, channel="sms", destination=number, created_at=timezone.now()
    )


def code_now(secret=SECRET, steps=0) -> str:
    return totp.code_of(secret, totp.step_at(timezone.now()) + steps)


def wrong_code(secret=SECRET) -> str:
    right = {code_now(secret, steps) for steps in range(-2, 3)}
    return next(code for code in ("111111", "222222", "333333", "444444") if code not in right)


def give_password(client, user, password=PASSWORD, next_page="/admin/"):
    form = {"username": user.username, "password": password, "next": next_page}
    return client.post(LOGIN, form)


def sign_in(client, user, code=None, **more):
    """Both steps, by app."""
    give_password(client, user)
    return client.post(STEP, {"code": code or code_now(), **more})


def is_in(client) -> bool:
    return client.get("/admin/password_change/").status_code == 200
