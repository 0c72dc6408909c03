"""Taking the demo data away, from the first page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from campaigns import demo


def remove_demo(
    request: HttpRequest, others: Sequence[Callable[[], list[str]]] = ()
) -> HttpResponse:
    """Ask, then remove. For superusers: it deletes providers, templates, people and messages.

    `others` remove what further apps have, and answer with the names of what had to be kept.
    """
    if not request.user.is_superuser:
        raise PermissionDenied
    if request.method != "POST":
        context = {**admin.site.each_context(request), "title": "Remove demo data"}
        return render(request, "admin/campaigns/remove_demo.html", context)
    with transaction.atomic():
        kept = [name for remove in (*others, demo.remove) for name in remove()]
    if kept:
        messages.warning(request, f"Still in use, so they were kept: {', '.join(kept)}.")
    messages.success(request, "The demo data was removed.")
    return redirect("admin:index")
