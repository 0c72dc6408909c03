"""Wrong passwords are counted per user name and address, by django-axes."""

from __future__ import annotations

from typing import Any

from config.environment import env

MINUTES = max(1, env.int("LOGIN_LOCK_MINUTES", default=15))
FAILURES = max(1, env.int("LOGIN_MAX_FAILURES", default=5))

AXES: dict[str, Any] = {
    # Not the name alone: else anybody could keep an operator out.
    "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
    "AXES_RESET_ON_SUCCESS": True,
    "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT": False,
    "AXES_CLIENT_IP_CALLABLE": "omnichannel.visitors.client_network",  # believes TRUSTED_PROXY only
    "AXES_LOCKOUT_CALLABLE": "otp.two_factor.sign_in_views.locked_out",
    "AXES_SENSITIVE_PARAMETERS": ["password", "csrfmiddlewaretoken", "code"],
    "AXES_ENABLE_ADMIN": False,  # otp/two_factor/admin has a page of the Studio's look
    "AXES_DISABLE_ACCESS_LOG": True,
    "AXES_VERBOSE": False,
}
