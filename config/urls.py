from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from campaigns import metrics as campaign_metrics
from campaigns.admin.demo import remove_demo
from campaigns.admin.hold import release_hold
from integrations import as2_views
from integrations import demo as integrations_demo
from omnichannel import health, metrics, webhooks

admin.autodiscover()

handler400 = "omnichannel.room.refused"
handler500 = "omnichannel.api.defects.server_error"

urlpatterns = [
    # First of all: other systems call it thousands of times a minute.
    path("api/v1/", include("omnichannel.api.urls")),
    path("api/v1/", include("campaigns.api.urls")),
    path("api/v1/", include("otp.api.urls")),
    path("", RedirectView.as_view(url="/admin/")),
    path(
        "admin/demo/remove/",
        admin.site.admin_view(remove_demo),
        {"others": (integrations_demo.remove,)},
        name="remove_demo",
    ),
    path("admin/hold/", admin.site.admin_view(release_hold), name="release_hold"),
    path("admin/", include("otp.two_factor.urls")),
    path("admin/", admin.site.urls),
    path("as2/<str:token>", as2_views.receive, name="as2"),
    path("webhooks/<uuid:key>/<str:token>/", webhooks.receive, name="webhook"),
    path("api/", include("omnichannel.api.docs_urls")),
    path("", include("omnichannel.urls")),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics, {"sources": (metrics.gauges, campaign_metrics.gauges)}),
]
