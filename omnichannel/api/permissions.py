"""What a key may do: each view declares the scope that changing things by it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from omnichannel.choices import Scope
from omnichannel.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """Unsafe methods need the view's `write_scope`, safe ones that or `read`.

    A view that declares none is open to nobody: forgetting it must not open it.
    """

    message = "This API key may not do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope: Scope | None = getattr(view, "write_scope", None)
        if not isinstance(request.auth, ApiKey) or scope is None:
            return False
        if request.method in SAFE_METHODS:
            return request.auth.allows(Scope.READ, scope)
        self.message = f"This needs an API key with the scope “{scope}”."
        return request.auth.allows(scope)


class HasKey(BasePermission):
    """Any key: for what tells nothing and changes nothing."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, ApiKey)


class StaffOrKey(HasKey):
    """Somebody who may log in to the Studio, or any key."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        is_staff = bool(getattr(request.user, "is_staff", False) and request.user.is_active)
        return is_staff or super().has_permission(request, view)
