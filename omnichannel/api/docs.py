from __future__ import annotations

from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from omnichannel.api.permissions import HasKey


class Schema(SpectacularAPIView):
    """For who is signed in to the Studio, and for any key. YAML, or JSON with `?format=json`."""

    def get_renderers(self) -> list[BaseRenderer]:
        if self.request.GET.get("format") == "json":
            return [OpenApiJsonRenderer2()]
        return super().get_renderers()


class Docs(SpectacularSwaggerSplitView):
    """The schema as a page, with nothing from another host and no inline script."""


class Nothing(APIView):
    """All other addresses: the same errors as everywhere in the API, not a page."""

    permission_classes = (HasKey,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        hint = "" if request.path.endswith("/") else " Addresses of the API end in a slash."
        raise NotFound(f"There is nothing at {request.path}.{hint}")
