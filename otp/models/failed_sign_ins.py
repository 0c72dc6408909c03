from __future__ import annotations

from axes.models import AccessAttempt


class FailedSignIn(AccessAttempt):
    """Wrong passwords for one user name from one address and browser, counted by django-axes."""

    class Meta:
        proxy = True
        default_permissions = ("view", "delete")
        verbose_name = "failed sign-in"

    def __str__(self) -> str:
        return f"{self.username} from {self.ip_address or 'an unknown address'}"
