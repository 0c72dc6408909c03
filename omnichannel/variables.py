"""The global variables every template may use."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from omnichannel.models import GlobalVariable

KEY = RegexValidator(
    r"^[a-z][a-z0-9_]*\Z", "Use small letters, digits and _, starting with a letter."
)
READ_ONLY: dict[str, str] = {
    "company_name": "Name of the company",
    "company_domain": "Domain of the company's site, such as example.com",
    "company_address": "Postal address",
    "support_email": "E-mail address of customer support",
    "support_phone": "Phone number of customer support",
    "logo_url": "Address of the logo's image",
    "facebook": "Facebook page",
    "instagram": "Instagram handle",
    "x": "X handle",
    "linkedin": "LinkedIn page",
    "youtube": "YouTube channel",
    "privacy_policy_url": "Address of the privacy policy",
    "terms_url": "Address of the terms of use",
    "returns_policy_url": "Address of the returns policy",
    "copyright_text": "Copyright line",
}


def check_key(key: str) -> None:
    """Raises ValidationError when a variable of this key cannot be added."""
    KEY(key)
    if key in READ_ONLY:
        raise ValidationError("This key belongs to the read-only set.")


def ensure_read_only_set() -> None:
    """Create what is missing of the read-only set; values that exist are left alone."""
    known = set(GlobalVariable.objects.values_list("key", flat=True))
    missing = [
        GlobalVariable(key=key, description=description, is_read_only=True)
        for key, description in READ_ONLY.items()
        if key not in known
    ]
    GlobalVariable.objects.bulk_create(missing, ignore_conflicts=True)


def global_values() -> dict[str, str]:
    """Every global variable by its key; one of the read-only set is always there."""
    return dict.fromkeys(READ_ONLY, "") | dict(GlobalVariable.objects.values_list("key", "value"))
