"""How the HTTP API and its schema are set up: Django REST framework and drf-spectacular."""

from __future__ import annotations

from typing import Any

SHAPES = ("Category", "ChannelType", "JobStatus", "MessageStatus", "OnUncertain", "Priority")
OTP_SHAPES = ("BlockReason", "CodeKind", "ExpiryUnit", "Refusal", "Verdict")
CAMPAIGN_SHAPES = ("CampaignStatus", "ImportMode", "ImportStatus", "OnClosedDay")

API: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["omnichannel.api.auth.BearerKey"],
    "DEFAULT_PERMISSION_CLASSES": ["omnichannel.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["omnichannel.api.throttling.PerKey"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["omnichannel.api.parsing.BoundedJson"],
    "DEFAULT_PAGINATION_CLASS": "omnichannel.api.paging.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        f"omnichannel.api.filters.{name}" for name in ("Filters", "Search", "Ordering")
    ],
    "DEFAULT_SCHEMA_CLASS": "omnichannel.api.schema.StudioSchema",
    "EXCEPTION_HANDLER": "omnichannel.api.problems.handle",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS would tell what the schema tells better
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR: dict[str, Any] = {
    "TITLE": "Omnichannel Studio",
    "DESCRIPTION": "Send messages, and manage what they are made of, from other systems.",
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [
        "omnichannel.api.auth.BearerKey",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "SERVE_PERMISSIONS": ["omnichannel.api.permissions.StaffOrKey"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": False,
        "docExpansion": "none",  # there are some 160 operations: first the list of resources
        "filter": True,
        "defaultModelsExpandDepth": 0,
    },
    "REDOC_DIST": "SIDECAR",
    # Generated clients call their classes after these: they stay the same when a field is added.
    "ENUM_NAME_OVERRIDES": {
        **{f"{name}Enum": f"omnichannel.choices.{name}" for name in SHAPES},
        **{f"{name}Enum": f"campaigns.choices.{name}" for name in CAMPAIGN_SHAPES},
        **{f"{name}Enum": f"otp.choices.{name}" for name in OTP_SHAPES},
        "OtpStatusEnum": "otp.api.answers.STATUSES",
        "TemplateChannelTypeEnum": "omnichannel.api.template_rows.CHANNELS",
    },
}
