from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from omnichannel import api_keys
from omnichannel.models import ApiKey


class BearerKey(BaseAuthentication):
    """`Authorization: Bearer oms_...`: `request.auth` is the ApiKey, `request.user` is nobody."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        at = timezone.now()
        key = api_keys.recognised(text.strip().decode("latin-1"), at)
        if key is None:
            raise AuthenticationFailed("This API key is wrong, expired or revoked.")
        api_keys.note_use(key, at)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def key_of(request: Request) -> ApiKey:
    """The key of a request that was let in."""
    assert isinstance(request.auth, ApiKey)
    return request.auth
