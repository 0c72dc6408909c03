"""Wrong passwords are counted per user name and address, by django-axes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from config.environment import env

MINUTES = max(1, env.int("LOGIN_LOCK_MINUTES", default=15))

LOCK_OUT: dict[str, Any] = {
    "AUTHENTICATION_BACKENDS": [
        "axes.backends.AxesStandaloneBackend",  # refuses who is locked out
        "django.contrib.auth.backends.ModelBackend",
    ],
    "LOGIN_LOCK_MINUTES": MINUTES,
    "AXES_FAILURE_LIMIT": max(1, env.int("LOGIN_MAX_FAILURES", default=5)),
    "AXES_COOLOFF_TIME": timedelta(minutes=MINUTES),
    # Not the name alone: else anybody could keep an operator out.
    "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
    "AXES_RESET_ON_SUCCESS": True,
    "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT": False,
    "AXES_CLIENT_IP_CALLABLE": "omnichannel.visitors.client_ip",  # believes TRUSTED_PROXY only
    "AXES_LOCKOUT_CALLABLE": "otp.two_factor.sign_in_views.locked_out",
    "AXES_SENSITIVE_PARAMETERS": ["password", "csrfmiddlewaretoken", "code"],
    "AXES_ENABLE_ADMIN": False,  # otp/two_factor/admin has a page of the Studio's look
    "AXES_DISABLE_ACCESS_LOG": True,
    "AXES_VERBOSE": False,
}
