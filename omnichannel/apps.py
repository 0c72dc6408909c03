from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class OmnichannelConfig(AppConfig):
    name = "omnichannel"
    verbose_name = "Communication"

    def ready(self) -> None:
        import_module("omnichannel.checks")
