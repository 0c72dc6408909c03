from __future__ import annotations

import uuid

from django.db import models

ONLY = 1


class Installation(models.Model):
    """The one row that says which installation this database is, and whether it may send.

    Everything here travels with a backup and with a copy; what the database *is* does not. So a
    database whose `place` is not where it is, or whose `counter` is behind what a host remembers
    (see `omnichannel.witness`), is a copy or an older backup.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    former = models.JSONField(
        default=list, help_text="What it was called before, by witnesses of other hosts too."
    )
    place = models.JSONField(
        default=dict, help_text="What the database was when it was last confirmed."
    )
    counter = models.PositiveBigIntegerField(
        default=0,
        help_text="Grows with every look of a process that sends: seconds since 1970, as long as "
        "clocks are right. It never goes back.",
    )
    held_since = models.DateTimeField(null=True, blank=True)
    held_reason = models.TextField(blank=True, help_text="What happened, for operators.")
    is_releasing = models.BooleanField(
        default=False, help_text="Waiting messages are being cancelled; then it is held no more."
    )
    doubtful_before = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Messages queued before this moment may have gone from another copy: none of "
        "them is sent by itself.",
    )
    confirmed_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions = [("release_installation", "Can release held sending")]
        constraints = [
            models.CheckConstraint(condition=models.Q(id=ONLY), name="installation_only_one")
        ]

    def __str__(self) -> str:
        return str(self.uuid)
