"""What a browser posts, and users who may do only what a test is about."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client

PLACE = "/admin/integrations"
SUBMITTED = {"_form_submitted": "True"}
SFTP = {
    "protocol": "sftp",
    "default_rule": "copy",
    "sftp_max_file_mb": "64",
    "sftp_quota_mb": "1024",
    "sftp_max_sessions": "5",
}
AS2 = {
    "protocol": "as2",
    "default_rule": "copy",
    "as2_encryption": "aes256",
    "as2_signing": "sha256",
    "as2_require_signed": "on",
    "as2_require_encrypted": "on",
    "as2_verify_tls": "on",
    "as2_mdn_mode": "sync",
    "as2_mdn_signed": "on",
    "as2_content_type": "application/octet-stream",
    "as2_timeout_s": "60",
    "as2_max_attempts": "5",
    "as2_max_mb": "64",
}
RULE = {
    "name": "Orders",
    "direction": "out",
    "matching_source": "name",
    "matching_pattern": r"\.txt$",
    "engine": "passthrough",
    "output": "xml",
    "target": "envelope",
    "body": "",
    "run_token": "",
}


def client_with(*permissions):
    """A staff user's browser; permissions by code name."""
    user = User.objects.create_user("op", password="op", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="integrations", codename__in=permissions)
    )
    client = Client()
    client.force_login(user)
    return client
