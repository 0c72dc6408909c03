"""How other pages lead to the page of an address."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html


def person_url(address: str) -> str:
    return f"{reverse('admin:omnichannel_person_changelist')}?{urlencode({'a': address})}"


def person_link(request: HttpRequest, address: str) -> str:
    """The address, leading to its page for whoever may open that."""
    if not request.user.has_perm("omnichannel.view_person"):
        return address
    return format_html('<a class="text-link" href="{}">{}</a>', person_url(address), address)
