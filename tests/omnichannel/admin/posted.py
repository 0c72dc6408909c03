"""What a browser posts, and users who may do only what a test is about."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client

PROVIDERS = "/admin/omnichannel/channelprovider/"
MESSAGES = "/admin/omnichannel/message/"
SUBMITTED = {"_form_submitted": "True"}


def formset(prefix, total=0, initial=0):
    return {
        f"{prefix}-TOTAL_FORMS": total,
        f"{prefix}-INITIAL_FORMS": initial,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }


def provider_data(**values):
    """The form of an SMTP provider, filled in well."""
    return {
        "name": "Relay",
        "channel_type": "email",
        "backend": "smtp",
        "is_active": "on",
        "app_user": "studio",
        "smtp__host": "smtp.example.com",
        "smtp__security": "starttls",
        "from_address": "studio@example.com",
        "bulk_no": 500,
        "retry_max_attempt": 3,
        "pool_time_retry": "00:05:00",
        "on_uncertain": "hold",
        "app_config": "{}",
        **formset("senders"),
        **formset("statuses"),
        **values,
    }


def message_data(**values):
    """The form of an e-mail, filled in well; name a channel or a provider."""
    return {
        "to_address": "ana@example.com",
        "subject": "Hello",
        "body_text": "Hello Ana",
        "category": "transactional",
        "priority": 2,
        "channel_provider_params": "{}",
        "extended_properties": "{}",
        **formset("attachments"),
        **values,
    }


def errors_of(response):
    """{field: first error} of the form that was shown again."""
    form = response.context["adminform"].form
    return {name: errors[0] for name, errors in form.errors.items()}


def client_with(*permissions):
    """A staff user's browser; permissions of the omnichannel app by code name."""
    user = User.objects.create_user("op", password="op", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="omnichannel", codename__in=permissions)
    )
    client = Client()
    client.force_login(user)
    return client
