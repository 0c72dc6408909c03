"""What a defect of ours looks like to systems."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from omnichannel.api.problems import MEDIA_TYPE, problem


def server_error(request: HttpRequest) -> HttpResponse:
    """A defect of ours (Django's `handler500`): a page for people, a problem for systems."""
    if not request.path.startswith("/api/v1/"):
        return defaults.server_error(request)
    text = "Something went wrong here. It was logged; please tell an administrator."
    return JsonResponse(problem(500, Exception(text)), status=500, content_type=MEDIA_TYPE)
