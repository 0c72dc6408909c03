from __future__ import annotations

from django.urls import path

from omnichannel import tracking_views, unsubscribe_views

# `links` writes these by hand, since it makes several for each message.
urlpatterns = [
    path("t/o/<str:token>.gif", tracking_views.opened, name="opened"),
    path("t/c/<str:token>/<str:number>", tracking_views.clicked, name="clicked"),
    path("s/<str:token>", tracking_views.short, name="short"),
    path("u/<str:token>/", unsubscribe_views.unsubscribe, name="unsubscribe"),
    path("u/<str:token>/preferences/", unsubscribe_views.preference_page, name="preferences"),
]
