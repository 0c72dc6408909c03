from __future__ import annotations

from django.db import models


class Label(models.Model):
    """A tag that groups templates, audiences and campaigns."""

    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "tag"

    def __str__(self) -> str:
        return self.name
