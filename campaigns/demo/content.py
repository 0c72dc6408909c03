"""Templates in the words of a shop, and the company's details they use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db.models import ProtectedError

from omnichannel.choices import ChannelType
from omnichannel.models import GlobalVariable, Label, MessageTemplate
from omnichannel.publishing import publish
from omnichannel.variables import ensure_read_only_set

DATA = Path(__file__).parent / "data"

COMPANY = {
    "company_name": "Example Company",
    "company_domain": "example.com",
    "company_address": "1 Example Street, Springfield",
    "support_email": "support@example.com",
    "support_phone": "+12025550100",
}
PERSON = {"first_name": "Ana", "city": "Lisbon", "plan": "gold", "points": 1250}
ORDER = {
    "first_name": "Ana",
    "order_id": "A-1042",
    "items": [{"name": "Rain jacket", "quantity": 1}, {"name": "Wool socks", "quantity": 3}],
}
PLACED = {"event": {"order_id": "A-1042", "total": 117.5, "currency": "EUR"}}
CODE = {"event": {"code": "481516", "valid_minutes": 10}}
EMAILS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("Spring offer", "{{ first_name }}, your spring offer", "spring.html", "newsletter", PERSON),
    ("Welcome", "Welcome to {{ global.company_name }}", "welcome.html", "onboarding", PERSON),
    ("Order shipped", "Order {{ order_id }} is on its way", "order.html", "orders", ORDER),
)
# Of an e-mail, by its name: language, subject, file. The audience has readers of it.
TRANSLATIONS = (("Welcome", "de", "Willkommen bei {{ global.company_name }}", "welcome.de.html"),)
TEXTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("Spring text", "Hi {{ first_name }}, spring starts with {{ points }} points.", "newsletter",
     PERSON),
    ("Parcel today", "{{ first_name }}, order {{ order_id }} arrives today.", "orders", ORDER),
    ("Order placed", "Thank you! Your order {{ event.order_id }} of {{ event.total }} "
     "{{ event.currency }} is placed.", "orders", PLACED),
    ("Sign-in code", "{{ event.code }} is your code at {{ global.company_name }}. It is good for "
     "{{ event.valid_minutes }} minutes.", "onboarding", CODE),
)  # fmt: skip


def load() -> None:
    ensure_read_only_set()
    for key, value in COMPANY.items():
        GlobalVariable.objects.filter(key=key, value="").update(value=value)
    for name, subject, file, tag, sample in EMAILS:
        html = (DATA / file).read_text()
        texts = {"subject": subject, "html": html, "translations": _translations(name)}
        _template(ChannelType.EMAIL, name, tag, sample, **texts)
    for name, text, tag, sample in TEXTS:
        _template(ChannelType.SMS, name, tag, sample, text=text)


def _translations(name: str) -> list[dict[str, str]]:
    return [
        {"language": language, "subject": subject, "html": (DATA / file).read_text()}
        for of, language, subject, file in TRANSLATIONS
        if of == name
    ]


def _template(kind: str, name: str, tag: str, sample: dict[str, Any], **texts: Any) -> None:
    template, created = MessageTemplate.objects.get_or_create(
        channel_type=kind,
        name=name,
        defaults={
            "description": "Part of the demo data.",
            "sample_variables": sample,
            "is_demo": True,
        },
    )
    if created:
        template.tags.add(Label.objects.get_or_create(name=tag)[0])
        publish(template, by=None, **texts)


def remove() -> list[str]:
    for key, value in COMPANY.items():
        GlobalVariable.objects.filter(key=key, value=value).update(value="")
    kept = []
    for template in MessageTemplate.objects.filter(is_demo=True):
        try:
            template.delete()
        except ProtectedError:
            kept.append(f"template {template}")
    return kept
