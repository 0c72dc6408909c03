from __future__ import annotations

from omnichannel.models.messages import Message


class Person(Message):
    """Whoever has an address: a page that gathers all there is on it, and no table."""

    class Meta:
        proxy = True
        verbose_name = "person"
        verbose_name_plural = "people"
        default_permissions = ("view",)
        permissions = [
            ("export_person", "Can export all there is on a person"),
            ("erase_person", "Can erase a person"),
        ]
