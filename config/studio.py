"""The look and the menu of the Studio, grouped as operators think."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _item(title: str, icon: str, url_name: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url_name),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _list(title: str, icon: str, noun: str) -> dict[str, Any]:
    """The list of `app.model`, for those who may view it."""
    app, _, model = noun.partition(".")
    return _item(title, icon, f"admin:{app}_{model}_changelist", f"{app}.view_{model}")


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
        "navigation": [
            {
                "title": "Communication",
                "items": [
                    {
                        **_item(
                            "Message queue",
                            "outgoing_mail",
                            "admin:omnichannel_message_changelist",
                            "omnichannel.view_message",
                        ),
                        # The sandbox and the report live below it and have items of their own.
                        "active": lambda request: (
                            "/omnichannel/message/" in request.path
                            and "/message/sandbox/" not in request.path
                            and "/message/report/" not in request.path
                        ),
                    },
                    {
                        **_item(
                            "Uncertain",
                            "help",
                            "admin:omnichannel_uncertainmessage_changelist",
                            "omnichannel.view_message",
                        ),
                        "badge": "omnichannel.admin.uncertain.badge",
                        "badge_variant": "warning",
                    },
                    _item(
                        "Jobs", "stacks", "admin:omnichannel_job_changelist", "omnichannel.view_job"
                    ),
                    _item(
                        "Channels",
                        "forum",
                        "admin:omnichannel_channel_changelist",
                        "omnichannel.view_channel",
                    ),
                    _item(
                        "Channel providers",
                        "cell_tower",
                        "admin:omnichannel_channelprovider_changelist",
                        "omnichannel.view_channelprovider",
                    ),
                    _item(
                        "Default providers",
                        "alt_route",
                        "admin:omnichannel_providerroute_changelist",
                        "omnichannel.view_providerroute",
                    ),
                    _item(
                        "Received events",
                        "webhook",
                        "admin:omnichannel_receivedevent_changelist",
                        "omnichannel.view_receivedevent",
                    ),
                    _item(
                        "Sandbox inbox", "inbox", "admin:sandbox_inbox", "omnichannel.view_message"
                    ),
                ],
            },
            {
                "title": "Content",
                "items": [
                    _item(
                        "E-mail templates",
                        "mail",
                        "admin:omnichannel_emailtemplate_changelist",
                        "omnichannel.view_emailtemplate",
                    ),
                    _item(
                        "SMS templates",
                        "sms",
                        "admin:omnichannel_smstemplate_changelist",
                        "omnichannel.view_smstemplate",
                    ),
                    _item(
                        "Global variables",
                        "data_object",
                        "admin:omnichannel_globalvariable_changelist",
                        "omnichannel.view_globalvariable",
                    ),
                    _item(
                        "Tags",
                        "label",
                        "admin:omnichannel_label_changelist",
                        "omnichannel.view_label",
                    ),
                ],
            },
            {
                "title": "Events",
                "items": [
                    _item(
                        "Event subscriptions",
                        "notifications_active",
                        "admin:omnichannel_eventsubscription_changelist",
                        "omnichannel.view_eventsubscription",
                    ),
                    _item(
                        "Events",
                        "bolt",
                        "admin:omnichannel_event_changelist",
                        "omnichannel.view_event",
                    ),
                    _item(
                        "Triggered events",
                        "history",
                        "admin:omnichannel_eventtrigger_changelist",
                        "omnichannel.view_eventtrigger",
                    ),
                ],
            },
            {
                "title": "Audience",
                "items": [
                    _item(
                        "Audiences",
                        "groups",
                        "admin:campaigns_audience_changelist",
                        "campaigns.view_audience",
                    ),
                    _item(
                        "Imports",
                        "upload_file",
                        "admin:campaigns_audienceimport_changelist",
                        "campaigns.view_audienceimport",
                    ),
                    _item(
                        "People",
                        "person_search",
                        "admin:omnichannel_person_changelist",
                        "omnichannel.view_person",
                    ),
                    _item(
                        "Consents",
                        "handshake",
                        "admin:omnichannel_consent_changelist",
                        "omnichannel.view_consent",
                    ),
                    _item(
                        "Suppressions",
                        "block",
                        "admin:omnichannel_suppression_changelist",
                        "omnichannel.view_suppression",
                    ),
                ],
            },
            {
                "title": "Campaigns",
                "items": [
                    _item(
                        "Campaigns",
                        "campaign",
                        "admin:campaigns_campaign_changelist",
                        "campaigns.view_campaign",
                    ),
                    _item(
                        "Frequency caps",
                        "speed",
                        "admin:omnichannel_frequencycap_changelist",
                        "omnichannel.view_frequencycap",
                    ),
                    _item(
                        "Holiday calendars",
                        "event_busy",
                        "admin:campaigns_holidaycalendar_changelist",
                        "campaigns.view_holidaycalendar",
                    ),
                ],
            },
            {
                "title": "One-time passwords",
                "items": [
                    _item("Overview", "password", "admin:otp_figures", "otp.view_otpchallenge"),
                    {
                        **_list("OTP requests", "pin", "otp.otpchallenge"),
                        "active": lambda request: (
                            "/otp/otpchallenge/" in request.path and "/figures/" not in request.path
                        ),
                    },
                    _list("OTP Configuration Manager", "tune", "otp.otpconfiguration"),
                    _list("Blocked prefixes", "phone_disabled", "otp.blockedprefix"),
                    _list("Test numbers", "science", "otp.testnumber"),
                    _list("OTP audit trail", "policy", "otp.otpentry"),
                ],
            },
            {
                "title": "Reports",
                "items": [
                    _item(
                        "Communication report",
                        "lab_profile",
                        "admin:communication_report",
                        "omnichannel.view_message",
                    ),
                    _item(
                        "Message events",
                        "timeline",
                        "admin:omnichannel_messageevent_changelist",
                        "omnichannel.view_messageevent",
                    ),
                ],
            },
            {
                "title": "System",
                "items": [
                    _item("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
                    _item("Groups", "group", "admin:auth_group_changelist", "auth.view_group"),
                    _item(
                        "Failed sign-ins",
                        "gpp_bad",
                        "admin:otp_failedsignin_changelist",
                        "otp.view_failedsignin",
                    ),
                    _item(
                        "Outgoing webhooks",
                        "send_time_extension",
                        "admin:omnichannel_outgoingwebhook_changelist",
                        "omnichannel.view_outgoingwebhook",
                    ),
                    _item(
                        "Webhook deliveries",
                        "checklist",
                        "admin:omnichannel_webhookdelivery_changelist",
                        "omnichannel.view_webhookdelivery",
                    ),
                    _item(
                        "API keys",
                        "vpn_key",
                        "admin:omnichannel_apikey_changelist",
                        "omnichannel.view_apikey",
                    ),
                    _item("API documentation", "api", "api_docs", "omnichannel.view_apikey"),
                    _item(
                        "Periodic tasks",
                        "schedule",
                        "admin:django_celery_beat_periodictask_changelist",
                        "django_celery_beat.view_periodictask",
                    ),
                ],
            },
        ],
    },
}
