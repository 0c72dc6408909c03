"""The editor of an e-mail's HTML: code with completion, or the visual editor as the other tab."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_ace import AceWidget

from omnichannel.admin.base import UnfoldAdminSelectWidget
from omnichannel.choices import SourceKind

FRAME = """
<div class="html-editor" data-visual="{}">
  <div class="te-switch html-tabs" role="tablist" aria-label="Editor">
    <button type="button" role="tab" id="html-tab-code" aria-controls="html-panel-code"
            aria-selected="true">Code</button>
    <button type="button" role="tab" id="html-tab-visual" aria-controls="html-panel-visual"
            aria-selected="false" tabindex="-1"{}>Visual</button>
  </div>
  <div role="tabpanel" id="html-panel-code" aria-labelledby="html-tab-code">{}</div>
  <div role="tabpanel" id="html-panel-visual" aria-labelledby="html-tab-visual" hidden>
    <p class="te-error" role="alert" hidden></p>
    <iframe title="Visual editor" allow="fullscreen"></iframe>
  </div>
</div>
"""


class HtmlEditor(AceWidget):
    """Ace for HTML with Jinja tags; `static/studio/template_complete.js` completes them."""

    def __init__(self) -> None:
        super().__init__(
            mode="twig",
            theme="chrome",
            width="100%",
            height="480px",
            wordwrap=True,
            fontsize="13px",
            showprintmargin=False,
            useworker=False,
            toolbar=False,
            extensions=["language_tools"],
        )

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        code = super().render(name, value, attrs, renderer)
        url = reverse("admin:omnichannel_emailtemplate_visual")
        hidden = SafeString("" if settings.VISUAL_EDITOR else " hidden")
        return format_html(FRAME, url, hidden, code)


def source_kind_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Written in",
        choices=SourceKind.choices,
        initial=SourceKind.HTML,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="MJML is made into HTML when you save.",
    )
