"""The API as it is served, and beside it an endpoint that does nothing: what any call costs."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from omnichannel.choices import Scope


class Nothing(APIView):
    """Reads its body and its key as every other view does."""

    write_scope = Scope.SEND

    def post(self, request: Request) -> Response:
        return Response({"fields": len(request.data)})


urlpatterns = [
    path("api/v1/nothing/", Nothing.as_view()),
    path("api/v1/", include("omnichannel.api.urls")),
]
