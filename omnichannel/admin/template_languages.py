"""The further texts of a template on its form, and the choice among them in the preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from omnichannel.choices import ChannelType
from omnichannel.exceptions import TemplateError
from omnichannel.models import TemplateVersion
from omnichannel.publishing import MAX_LANGUAGES, SPOKEN
from omnichannel.rendering.languages import DEFAULT, choose, name_at, tag_of, wanted

FIELD = "translations"
PARTS = ("language", *SPOKEN)
Texts = list[dict[str, str]]


class LanguagesWidget(forms.Widget):
    """One block for each language, and an empty one that a script copies.

    Its value is a list of {"language", "subject", "html", "text"}.
    """

    channel_type: str = ChannelType.EMAIL

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        blocks = list(enumerate(value or ()))
        return render_to_string(
            "admin/omnichannel/template_languages.html",
            {
                "name": name,
                "blocks": blocks,
                "is_email": self.channel_type == ChannelType.EMAIL,
                "empty": {part: "" for part in PARTS},
                "most": MAX_LANGUAGES,
            },
        )

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Texts | None:
        return posted(data, name)

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-count" not in data

    def id_for_label(self, id_: str) -> str:
        return ""


def posted(data: Mapping[str, Any], name: str = FIELD) -> Texts | None:
    """The blocks that were filled in; None when the form had none."""
    count = str(data.get(f"{name}-count", ""))
    if not count.isdecimal() or len(count) > 4:
        return None
    blocks = (
        {part: str(data.get(f"{name}-{number}-{part}", "")) for part in PARTS}
        for number in range(min(int(count), 10 * MAX_LANGUAGES))
    )
    return [block for block in blocks if any(text.strip() for text in block.values())]


class LanguagesField(forms.Field):
    def __init__(self) -> None:
        super().__init__(
            label="Further texts",
            required=False,
            widget=LanguagesWidget(),
            help_text="Chosen by the field language, locale or lang of the recipient: pt-BR, then "
            "pt, then the default text.",
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None and (initial or []) != data


def texts_of(version: TemplateVersion | None) -> Texts:
    """What the form starts with."""
    rows = version.further_texts.values() if version else ()
    return [{part: getattr(row, part) for part in PARTS} for row in rows]


def picked(request: HttpRequest, values: Mapping[str, Any]) -> tuple[str, dict[str, str] | None]:
    """What the preview shows: the language's name, and its posted text (None: the default)."""
    texts = posted(request.POST) or []
    offered = tuple(_tag(text["language"]) for text in texts)
    asked = request.POST.get("language", "")[:80]
    position = 0 if asked == DEFAULT else choose(asked or wanted(values), offered)
    return name_at(offered, position), texts[position - 1] if position else None


def _tag(text: str) -> str:
    try:
        return tag_of(text)
    except TemplateError:
        return text  # it is told on saving


def language_choices(version: TemplateVersion | None) -> Sequence[tuple[str, str]]:
    """For a dialog: as the samples have it, or one of the version's texts."""
    tags = version.offered if version else ()
    return [("", "As the sample variables say"), *((tag, tag) for tag in tags)]
