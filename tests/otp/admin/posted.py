"""What a browser posts, and users who may do only what a test is about."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.forms import model_to_dict
from django.test import Client

from otp.models import OtpConfiguration

CONFIGURATIONS = "/admin/otp/otpconfiguration/"
REQUESTS = "/admin/otp/otpchallenge/"
FIGURES = f"{REQUESTS}figures/"
ENTRIES = "/admin/otp/otpentry/"
BLOCKS = "/admin/otp/blockedprefix/"
NUMBERS = "/admin/otp/testnumber/"
SUBMITTED = {"_form_submitted": "True"}


def configuration_data(**values):
    """The form of the usual configuration, as the browser sends it."""
    usual = model_to_dict(OtpConfiguration.defaults(), exclude=["id"])
    usual |= {"purpose": "login", "name": "Sign-in", "countries": "", "is_default": ""}
    known = {
        name: value for name, value in usual.items() if value is not None and value is not False
    }
    return {**known, **values}


def client_with(*permissions):
    """A staff user's browser; permissions by code name."""
    user = User.objects.create_user("op", password="op", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client
