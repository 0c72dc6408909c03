from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from omnichannel import subscriptions
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    action,
    display,
)
from omnichannel.admin.event_form import EventForm, SubscribingForm, names_of
from omnichannel.admin.event_preview import EventPreview
from omnichannel.admin.event_test import TEST_DIALOG, TestEventForm
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.choices import Category, ChannelType, SkipReason
from omnichannel.models import Event, EventSubscription, EventTrigger

COLOURS = {Category.OTP: "warning", Category.PROMOTIONAL: "info", Category.TRANSACTIONAL: ""}
DIALOG = {**TEST_DIALOG, "form_class": TestEventForm}


class GroupFilter(DropdownFilter):
    title = "group"
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        groups = Event.objects.order_by("group").values_list("group", flat=True).distinct()
        return [(group, group) for group in groups]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        group = (self.value() or "").replace("\0", "")
        return queryset.filter(group=group) if group else queryset


class SubscribedFilter(DropdownFilter):
    title = "subscribed"
    parameter_name = "subscribed"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [*ChannelType.choices, ("none", "On no channel")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        rows = EventSubscription.objects.filter(is_subscribed=True)
        if self.value() == "none":
            return queryset.exclude(pk__in=rows.values("event"))
        if self.value() in ChannelType.values:
            return queryset.filter(pk__in=rows.filter(channel_type=self.value()).values("event"))
        return queryset


@admin.register(Event)
class EventAdmin(HistoryAdmin, EventPreview):
    form = EventForm
    list_display = ("name", "key", "group", "sub_group", "kind", "channels_shown", "is_active")
    list_filter = (
        ("category", ChoicesDropdownFilter),
        GroupFilter,
        SubscribedFilter,
        "is_active",
    )
    list_select_related = ()
    search_fields = ("key", "name", "description")
    readonly_fields = ("triggers_link",)
    actions_detail = ("send_test",)
    empty_hint = "An event is something that happens, such as “order placed”. Add the first one."

    class Media:
        css = {"all": ("studio/events.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).prefetch_related("subscriptions")

    def get_readonly_fields(self, request: HttpRequest, obj: Event | None = None) -> Any:
        """Other systems call an event by its key."""
        return ("key", "triggers_link") if obj else ()

    def get_form(self, request: HttpRequest, obj: Event | None = None, **kwargs: Any) -> Any:
        if self._may_subscribe(request, obj):
            kwargs["form"] = SubscribingForm
        return super().get_form(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        first = ("name", "key", "description", ("group", "sub_group"), "category", "is_active")
        found: list[Any] = [
            (None, {"fields": (*first, "triggers_link") if obj else first}),
            ("Variables", {"fields": ("variables_schema", "sample_data"), "classes": ["tab"]}),
        ]
        if self._may_subscribe(request, obj):
            lines = [(switch, rest) for switch, *rest in map(names_of, ChannelType)]
            fields = [line for pair in lines for line in pair]
            found.append(("Channels", {"fields": fields, "classes": ["tab"]}))
        return found

    def _may_subscribe(self, request: HttpRequest, obj: Event | None) -> bool:
        may = self.has_change_permission(request) if obj else self.has_add_permission(request)
        return may and request.user.has_perm("omnichannel.change_eventsubscription")

    def save_model(self, request: HttpRequest, obj: Event, form: EventForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(form, SubscribingForm):
            changes = {(obj.pk, channel_type): row for channel_type, row in form.changes()}
            subscriptions.change(changes, by=request.user)
        warn_of_names(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What it sends goes with it, though nobody deletes a subscription by itself."""
        rows, counts, missing, protected = super().get_deleted_objects(objs, request)
        return rows, counts, missing - {EventSubscription._meta.verbose_name}, protected

    def has_trigger_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("omnichannel.trigger_event"))

    @action(description="Send test event", icon="send", permissions=["trigger"], dialog=DIALOG)
    def send_test(self, request: HttpRequest, form: TestEventForm, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form.send(str(request.user))
        return self.answer(request, form, DIALOG)

    @display(description="category", ordering="category", label=COLOURS)
    def kind(self, obj: Event) -> tuple[str, str]:
        return obj.category, obj.get_category_display()

    @display(description="subscribed")
    def channels_shown(self, obj: Event) -> str:
        rows = [row.get_channel_type_display() for row in obj.subscriptions.all()
                if row.is_subscribed]  # fmt: skip
        return ", ".join(rows) or "-"

    @admin.display(description="triggered")
    def triggers_link(self, obj: Event) -> SafeString:
        url = reverse("admin:omnichannel_eventtrigger_changelist")
        link = '<a class="text-link" href="{}?event__id__exact={}">Show when it was triggered</a>'
        return format_html(link, url, obj.pk)


def warn_of_names(request: HttpRequest, event: Event) -> None:
    """Say which of its templates use a variable that the event does not have."""
    for row in event.subscriptions.select_related("template__published_version"):
        version = row.template.published_version if row.template else None
        names = subscriptions.unknown_variables(event, version)
        if names:
            text = f"The template “{row.template}” uses {', '.join(names)}: the event has no such"
            messages.warning(request, f"{text} variable{'s' if len(names) > 1 else ''}.")


@admin.register(EventTrigger)
class EventTriggerAdmin(ReadOnly, StudioAdmin):
    list_display = ("event_key", "at", "source", "reference", "messages_shown", "skipped_shown")
    list_display_links = None
    list_filter = (("event", RelatedDropdownFilter), ("at", MomentRangeFilter))
    list_select_related = ()
    search_fields = ("=event_key", "=reference")
    search_help_text = "The key of an event, or a reference"
    paginator = CappedPaginator
    sortable_by = ("at",)
    fields = readonly_fields = list_display
    empty_hint = "Nothing was triggered yet. Other systems do it through the API."

    @display(description="messages")
    def messages_shown(self, obj: EventTrigger) -> SafeString:
        links = ((reverse("admin:omnichannel_message_change", args=(pk,)), pk) for pk in
                 obj.messages)  # fmt: skip
        return format_html_join(", ", '<a class="text-link" href="{}">{}</a>', links)

    @display(description="without a message")
    def skipped_shown(self, obj: EventTrigger) -> str:
        labels = dict(ChannelType.choices)
        rows = [row for row in obj.skipped if row[1] != SkipReason.NOT_SUBSCRIBED]
        words = ((labels.get(row[0], row[0]), row[1].replace("_", " ")) for row in rows)
        return "; ".join(f"{channel}: {reason}" for channel, reason in words) or "-"
