"""Accounts, and the mailboxes of each."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, ForeignKey, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from integrations import connections
from integrations.models import Account, Mailbox, MailboxAlias
from omnichannel.admin.base import RelatedDropdownFilter, StudioAdmin, TabularInline, display
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator

STATES = {"on": "success", "off": "default", "none": "info"}


@admin.register(Account)
class AccountAdmin(HistoryAdmin, StudioAdmin):
    list_display = ("name", "house", "mailbox_count", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("default_mailbox",)
    search_fields = ("name",)
    search_help_text = "Part of a name"
    paginator = CappedPaginator
    readonly_fields = ("key",)
    empty_hint = (
        "An account is your organisation, with a mailbox for itself and one for each partner. "
        "Add it, then its mailboxes, then choose which of them is the house mailbox."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fields = ("name", "default_mailbox", "is_active", "key") if obj else ("name", "is_active")
        return ((None, {"fields": fields}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).annotate(boxes=Count("mailboxes"))

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        if obj is not None and "default_mailbox" in form.base_fields:
            field = form.base_fields["default_mailbox"]
            field.queryset = Mailbox.objects.filter(account=obj)
        return form

    @display(description="house mailbox", empty_value="None yet: choose one")
    def house(self, obj: Account) -> str | None:
        return obj.default_mailbox.name if obj.default_mailbox else None

    @display(description="mailboxes", ordering="boxes")
    def mailbox_count(self, obj: Any) -> str:
        url = reverse("admin:integrations_mailbox_changelist")
        return format_html(
            '<a class="text-link" href="{}?account__id__exact={}">{}</a>', url, obj.pk, obj.boxes
        )


class AliasInline(TabularInline):
    model = MailboxAlias
    fields = ("scheme", "value")
    extra = 0
    verbose_name_plural = "aliases: how documents call this mailbox"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("integrations.view_mailbox")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("integrations.change_mailbox")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj) or request.user.has_perm(
            "integrations.add_mailbox"
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(Mailbox)
class MailboxAdmin(HistoryAdmin, StudioAdmin):
    list_display = ("name", "account", "uuid", "role", "connected", "is_active")
    list_filter = (("account", RelatedDropdownFilter), "is_active")
    list_select_related = ("account", "integration")
    search_fields = ("name", "key", "aliases__value")
    search_help_text = "Part of a name, a UUID, or an alias"
    paginator = CappedPaginator
    inlines = (AliasInline,)
    empty_hint = (
        "A mailbox is a party: your own company, or a partner. Add one for each; the integration "
        "of a mailbox says how its owner sends and fetches documents."
    )

    class Media:
        css = {"all": ("studio/integrations.css",)}

    def get_fieldsets(self, request: HttpRequest, obj: Mailbox | None = None) -> Any:
        fields: tuple[str, ...] = ("account", "name", "is_active")
        return ((None, {"fields": (*fields, "key", "integration_page") if obj else fields}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Mailbox | None = None) -> Any:
        # Rules, envelopes and files belong to the account that it was made in.
        return ("account", "key", "integration_page") if obj else ()

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "account" and Account.objects.count() == 1:
            field.initial = Account.objects.get().pk
        return field

    def save_model(self, request: HttpRequest, obj: Mailbox, form: Any, change: bool) -> None:
        connections.save_mailbox(obj, by=request.user, at=timezone.now())

    @display(description="UUID")
    def uuid(self, obj: Mailbox) -> str:
        return format_html('<code class="integration-uuid">{}</code>', obj.key)

    @display(description="role", label={"house": "info", "party": "default"})
    def role(self, obj: Mailbox) -> tuple[str, str]:
        is_house = obj.account.default_mailbox_id == obj.pk
        return ("house", "House mailbox") if is_house else ("party", "Partner")

    @display(description="integration", label=STATES)
    def connected(self, obj: Mailbox) -> tuple[str, str]:
        row = getattr(obj, "integration", None)
        if row is None:
            return "none", "None"
        state = "on" if row.active else "off"
        return state, f"{row.get_protocol_display()}, {state}"

    @admin.display(description="integration")
    def integration_page(self, obj: Mailbox) -> str:
        url = reverse("admin:integrations_of_mailbox")
        return format_html(
            '<a class="text-link" href="{}?mailbox={}">Open its integration</a>', url, obj.pk
        )
