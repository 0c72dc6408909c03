from __future__ import annotations

from django.apps import AppConfig


class OmnichannelConfig(AppConfig):
    name = "omnichannel"
    verbose_name = "Communication"

    def ready(self) -> None:
        from omnichannel import checks  # noqa: F401
