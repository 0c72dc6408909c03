from __future__ import annotations

from django.urls import path

from integrations import as2_views

urlpatterns = [path("as2/<str:token>", as2_views.receive, name="as2")]
