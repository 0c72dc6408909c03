"""The look of the Studio."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

from config.menu import MENU

STUDIO: dict[str, Any] = {
    "SITE_TITLE": "Omnichannel Studio",
    "SITE_HEADER": "Omnichannel Studio",
    "SITE_SUBHEADER": "E-mail, SMS and push",
    "SITE_SYMBOL": "forum",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("studio/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "campaigns.admin.dashboard.dashboard",
    "STYLES": [lambda request: static("studio/studio.css")],
    "SCRIPTS": [lambda request: static("studio/studio.js")],
    "COLORS": {
        "primary": {
            "50": "#eef6ff",
            "100": "#d9ebff",
            "200": "#bcdcff",
            "300": "#8ec7ff",
            "400": "#59a8ff",
            "500": "#3386fb",
            "600": "#1d67f0",
            "700": "#1652dc",
            "800": "#1843b2",
            "900": "#1a3c8c",
            "950": "#152655",
        },
    },
    "ACCOUNT": {
        "navigation": [
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Two-factor sign-in", "link": reverse_lazy("two_factor_devices")},
        ]
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": MENU,
    },
}
