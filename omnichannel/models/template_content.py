"""What a template's version holds beside its default text."""

from __future__ import annotations

from django.db import models

KEY_HELP = "The data field that holds {}. Empty: none."


class VersionContent(models.Model):
    """Whom every message of a version goes to beside its recipient, and what it carries.

    All of it is part of the immutable version, so that what was sent can be told exactly.
    """

    static_to = models.TextField(
        "also to", blank=True, help_text="Every message also goes to these, shown in its CC."
    )
    static_cc = models.TextField(
        "CC Addresses", blank=True, help_text="Several are separated by semicolons."
    )
    static_bcc = models.TextField(
        "BCC Addresses", blank=True, help_text="Several are separated by semicolons."
    )
    to_key = models.CharField(
        "key of To",
        max_length=60,
        blank=True,
        help_text="The data field that holds the recipient's address. Empty: the usual one.",
    )
    cc_key = models.CharField(
        "key of CC", max_length=60, blank=True, help_text=KEY_HELP.format("CC addresses")
    )
    bcc_key = models.CharField(
        "key of BCC", max_length=60, blank=True, help_text=KEY_HELP.format("BCC addresses")
    )
    headers = models.JSONField(default=dict, blank=True, help_text="{name: value}")
    # No rows of their own: they never change, are copied with the version and read with it.
    files = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text='[{"file", "name", "content_type", "size"}], `file` being where it is stored.',
    )
    languages = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="The tags of its further texts, in their order.",
    )

    class Meta:
        abstract = True


class TemplateText(models.Model):
    """A version's text in one language (a BCP 47 tag). As immutable as the version."""

    version = models.ForeignKey("omnichannel.TemplateVersion", models.CASCADE, related_name="texts")
    position = models.PositiveSmallIntegerField(help_text="From 1: its place in the version.")
    language = models.CharField(max_length=35)
    subject = models.CharField(max_length=998, blank=True)
    html = models.TextField("HTML", blank=True)
    text = models.TextField(blank=True)
    compiled_html = models.TextField(editable=False, blank=True)
    compiled_text = models.TextField(editable=False, blank=True)
    variables = models.JSONField(default=list, editable=False)

    class Meta:
        ordering = ("position",)
        verbose_name = "template text"
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="text_position_once"),
            models.UniqueConstraint(fields=["version", "language"], name="text_language_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.language}"

    @property
    def source_kind(self) -> str:
        """What its HTML is written in, as that of the whole version."""
        return self.version.source_kind
