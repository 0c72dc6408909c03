"""Taking the demo data away, from the first page."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from campaigns import demo


def remove_demo(request: HttpRequest) -> HttpResponse:
    """Ask, then remove. For superusers: it deletes providers, templates, people and messages."""
    if not request.user.is_superuser:
        raise PermissionDenied
    if request.method != "POST":
        context = {**admin.site.each_context(request), "title": "Remove demo data"}
        return render(request, "admin/campaigns/remove_demo.html", context)
    with transaction.atomic():
        kept = demo.remove()
    if kept:
        messages.warning(request, f"Still in use, so they were kept: {', '.join(kept)}.")
    messages.success(request, "The demo data was removed.")
    return redirect("admin:index")
