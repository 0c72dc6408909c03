"""What a template's form holds beside its default text: copies, keys, headers, files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Field
from django.template.defaultfilters import filesizeformat

from omnichannel import enclosures, room, version_content
from omnichannel.admin.base import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)
from omnichannel.admin.template_languages import LanguagesField, LanguagesWidget, texts_of
from omnichannel.models import TemplateVersion

ADDRESSES, KEYS = version_content.ADDRESSES, version_content.KEYS
LANGUAGES = ("Languages", {"fields": ("translations",), "classes": ["tab"]})
RECIPIENT = ("Recipients", {"fields": ("to_key",), "classes": ["tab"]})
RECIPIENTS = ("Recipients", {"fields": (*ADDRESSES, KEYS), "classes": ["tab"]})
HEADERS = ("Files", {"fields": ("headers", "kept_files", "new_files"),
                                 "classes": ["tab"]})  # fmt: skip
ABOUT = (
    "About",
    {"fields": ("description", "tags", ("category", "priority"), "version_shown"),
     "classes": ["tab"]},
)  # fmt: skip
# Where a fault of the version is told, when the form has no field of its name.
TOLD_AT = {"files": "new_files"}
LONGEST_LIST = 20_000  # characters of addresses


class FilesInput(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; its value is a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list) else [data] if data else []
        return [super(FilesField, self).clean(file) for file in given]


def column_field(name: str, length: int) -> forms.CharField:
    """A field for a text column of the version."""
    column = cast("Field[Any, Any]", TemplateVersion._meta.get_field(name))
    label = str(column.verbose_name)
    return forms.CharField(
        label=label[:1].upper() + label[1:],
        required=False,
        max_length=length,
        help_text=column.help_text,
        widget=UnfoldAdminTextInputWidget(),
    )


class ContentForm(forms.ModelForm):
    """What every channel's form has; `content` is what `publishing` takes of it."""

    channel_type: ClassVar[str]

    translations = LanguagesField()
    to_key = column_field("to_key", 60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current: TemplateVersion | None = self.instance.published_version
        if "translations" in self.fields:
            cast(
                LanguagesWidget, self.fields["translations"].widget
            ).channel_type = self.channel_type
            self.initial.setdefault("translations", texts_of(self.current))
        self.initial.setdefault("to_key", self.current.to_key if self.current else "")

    def content(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """For `publishing.next_version`: what the form says beside the default text."""
        given = data.get("translations")
        return {
            "translations": texts_of(self.current) if given is None else given,
            "to_key": data.get("to_key", ""),
        }

    def store_files(self, version: TemplateVersion) -> None:
        """Once it is certain that the version is saved."""


class EmailContentForm(ContentForm):
    static_to = column_field("static_to", LONGEST_LIST)
    static_cc = column_field("static_cc", LONGEST_LIST)
    static_bcc = column_field("static_bcc", LONGEST_LIST)
    cc_key = column_field("cc_key", 60)
    bcc_key = column_field("bcc_key", 60)
    headers = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line, such as X-Team: Growth. Those that every e-mail has are written by "
        "the product.",
    )
    kept_files = forms.MultipleChoiceField(
        label="Attachments", required=False, widget=forms.CheckboxSelectMultiple()
    )
    new_files = FilesField(
        label="Add files",
        required=False,
        help_text="One or several. They go out with every message.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = self.current or TemplateVersion()
        for name in (*ADDRESSES, *KEYS):
            self.initial.setdefault(name, getattr(current, name))
        lines = "\n".join(f"{name}: {value}" for name, value in current.headers.items())
        self.initial.setdefault("headers", lines)
        self.initial.setdefault("kept_files", [entry["file"] for entry in current.files])
        if "kept_files" in self.fields:
            kept = cast(forms.MultipleChoiceField, self.fields["kept_files"])
            kept.choices = [
                (entry["file"], f"{entry['name']} ({filesizeformat(entry['size'])})")
                for entry in current.files
            ]
            kept.help_text = "Untick what is no longer sent." if current.files else "None yet."

    def clean_headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self.cleaned_data["headers"].splitlines():
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon:
                raise forms.ValidationError(f"Write “{line[:60]}” as a name, a colon and a value.")
            if name.strip() in found:
                raise forms.ValidationError(f"{name.strip()} is there twice.")
            found[name.strip()] = value.strip()
        return found

    def clean_new_files(self) -> list[UploadedFile]:
        files: list[UploadedFile] = self.cleaned_data["new_files"]
        try:
            room.need(sum(file.size or 0 for file in files))
        except room.NoRoom as error:
            raise forms.ValidationError(str(error)) from error
        return files

    def content(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super().content(data),
            **{name: data[name] for name in (*ADDRESSES, *KEYS, "headers")},
            "files": [*self._kept(data), *map(enclosures.described, data["new_files"])],
        }

    def _kept(self, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        entries = self.current.files if self.current else []
        return [entry for entry in entries if entry["file"] in data["kept_files"]]

    def store_files(self, version: TemplateVersion) -> None:
        uploads = self.cleaned_data["new_files"]
        if uploads and version.pk is None:
            version.files = [*self._kept(self.cleaned_data), *map(enclosures.keep, uploads)]
