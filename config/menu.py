"""The menu of the Studio, grouped as operators think."""

from __future__ import annotations

from typing import Any

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


MENU: list[dict[str, Any]] = [
    {
        "title": "Communication",
        "items": [
            {
                **_list("Message queue", "outgoing_mail", "omnichannel.message"),
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
            _list("Jobs", "stacks", "omnichannel.job"),
            _list("Channels", "forum", "omnichannel.channel"),
            _list("Channel providers", "cell_tower", "omnichannel.channelprovider"),
            _list("Default providers", "alt_route", "omnichannel.providerroute"),
            _list("Received events", "webhook", "omnichannel.receivedevent"),
            _item("Sandbox inbox", "inbox", "admin:sandbox_inbox", "omnichannel.view_message"),
        ],
    },
    {
        "title": "Content",
        "items": [
            _list("E-mail templates", "mail", "omnichannel.emailtemplate"),
            _list("SMS templates", "sms", "omnichannel.smstemplate"),
            _list("Global variables", "data_object", "omnichannel.globalvariable"),
            _list("Tags", "label", "omnichannel.label"),
        ],
    },
    {
        "title": "Events",
        "items": [
            _list("Event subscriptions", "notifications_active", "omnichannel.eventsubscription"),
            _list("Events", "bolt", "omnichannel.event"),
            _list("Triggered events", "history", "omnichannel.eventtrigger"),
        ],
    },
    {
        "title": "Audience",
        "items": [
            _list("Audiences", "groups", "campaigns.audience"),
            _list("Imports", "upload_file", "campaigns.audienceimport"),
            _list("People", "person_search", "omnichannel.person"),
            _list("Consents", "handshake", "omnichannel.consent"),
            _list("Suppressions", "block", "omnichannel.suppression"),
        ],
    },
    {
        "title": "Campaigns",
        "items": [
            _list("Campaigns", "campaign", "campaigns.campaign"),
            _list("Frequency caps", "speed", "omnichannel.frequencycap"),
            _list("Holiday calendars", "event_busy", "campaigns.holidaycalendar"),
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
        "title": "Integrations",
        "items": [
            _list("Integrations", "sync_alt", "integrations.integration"),
            _list("Conversion rules", "rule", "integrations.conversionrule"),
            _list("Envelopes", "drafts", "integrations.envelope"),
            _list("Transmissions", "swap_vert", "integrations.transmission"),
            _list("Conversion log", "fact_check", "integrations.conversionlog"),
            _list("Mailboxes", "all_inbox", "integrations.mailbox"),
            _list("Accounts", "corporate_fare", "integrations.account"),
            _list("Document templates", "description", "integrations.documenttemplate"),
            _list("Audit trail", "policy", "integrations.envelopeevent"),
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
            _list("Message events", "timeline", "omnichannel.messageevent"),
        ],
    },
    {
        "title": "System",
        "items": [
            _list("Users", "person", "auth.user"),
            _list("Groups", "group", "auth.group"),
            _list("Failed sign-ins", "gpp_bad", "otp.failedsignin"),
            _list("Outgoing webhooks", "send_time_extension", "omnichannel.outgoingwebhook"),
            _list("Webhook deliveries", "checklist", "omnichannel.webhookdelivery"),
            _list("API keys", "vpn_key", "omnichannel.apikey"),
            _item("API documentation", "api", "api_docs", "omnichannel.view_apikey"),
            _list("Periodic tasks", "schedule", "django_celery_beat.periodictask"),
        ],
    },
]
