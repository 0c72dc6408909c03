from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from omnichannel import health

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
]
