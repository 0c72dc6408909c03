from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from campaigns.admin.demo import remove_demo
from omnichannel import health

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/demo/remove/", admin.site.admin_view(remove_demo), name="remove_demo"),
    path("admin/", admin.site.urls),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
]
