from __future__ import annotations

from django.apps import AppConfig


class OtpConfig(AppConfig):
    name = "otp"
    verbose_name = "One-time passwords"

    def ready(self) -> None:
        from omnichannel import people
        from otp.people import devices_at, entries_about, requests_for

        people.holdings += [requests_for, entries_about, devices_at]
