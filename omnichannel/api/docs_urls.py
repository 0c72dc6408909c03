"""The schema, the page made from it, and what is answered where there is nothing."""

from __future__ import annotations

from django.contrib.admin.views.decorators import staff_member_required
from django.urls import path, register_converter
from django.urls.converters import StringConverter

from omnichannel.api import docs


class Anything(StringConverter):
    """Line breaks too, which a path cannot have by Django's own converters."""

    regex = r"[\s\S]+"


register_converter(Anything, "anything")

urlpatterns = [
    path("schema/", docs.Schema.as_view(), name="api_schema"),
    path(
        "docs/",
        staff_member_required(docs.Docs.as_view(url_name="api_schema"), login_url="admin:login"),
        name="api_docs",
    ),
    path("<anything:rest>", docs.Nothing.as_view()),
]
