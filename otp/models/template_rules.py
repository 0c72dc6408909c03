"""Whether a template does for a code."""

from __future__ import annotations

from omnichannel.choices import Category
from omnichannel.exceptions import TemplateError
from omnichannel.models import MessageTemplate
from omnichannel.rendering.needed import needed_by


def trouble_of(template: MessageTemplate) -> str:
    """Why no code can go by it: it would carry anything to anybody, past consents and caps."""
    if template.category != Category.OTP:
        return "Its category is not One-time password: choose another template, or change that."
    version = template.published_version
    if version is None:
        return "It has no published version: publish it."
    try:
        places = range(len(version.offered) + 1)
        if all("code" in needed_by(version, place).names for place in places):
            return ""
    except TemplateError as error:
        return str(error)
    return "It does not say the code: write {{ code }} into each of its texts, and publish it."
