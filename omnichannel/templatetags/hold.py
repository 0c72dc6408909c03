from __future__ import annotations

from typing import Any

from django import template

from omnichannel import installation

register = template.Library()


@register.inclusion_tag("studio/hold_banner.html", takes_context=True)
def hold_banner(context: dict[str, Any]) -> dict[str, Any]:
    """At the top of every page while sending is held, for everybody who has logged in."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_staff or (row := installation.held()) is None:
        return {"hold": None}
    return {"hold": row, "may_release": user.has_perm("omnichannel.release_installation")}
