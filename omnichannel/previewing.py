"""What a saved version would say to somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from omnichannel import rendering
from omnichannel.models import MessageTemplate, TemplateVersion
from omnichannel.rendering import Rendered
from omnichannel.rendering.languages import name_at, position_for
from omnichannel.variables import global_values


class Preview(NamedTuple):
    version: TemplateVersion
    language: str  # of the text that was chosen; "default" for the default text
    rendered: Rendered


def preview(
    template: MessageTemplate,
    version: TemplateVersion,
    *,
    values: Mapping[str, Any] | None = None,
    language: str = "",
) -> Preview:
    """The version with these values, or with the samples. `language` comes before what they say.

    Raises TemplateError.
    """
    given = template.sample_variables if values is None else values
    spoken = {**given, "language": language} if language else given
    position = position_for(version.offered, spoken)
    rendered = rendering.render(version, spoken, global_values())
    return Preview(version, name_at(version.offered, position), rendered)
