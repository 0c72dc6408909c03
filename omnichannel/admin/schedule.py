"""Periodic tasks: what runs by itself, how often, and whether it does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from omnichannel.admin.base import (
    StudioAdmin,
    TabularInline,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

for _model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(_model)


class TaskSelectWidget(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    pass


class PeriodicTaskForm(beat.PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, widget in (("regtask", TaskSelectWidget), ("task", UnfoldAdminTextInputWidget)):
            if name in self.fields:
                self.fields[name].widget = widget()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, StudioAdmin):
    form = PeriodicTaskForm
    # The package's own pages carry inline scripts, which our content policy refuses.
    change_form_template = None
    change_list_template = None
    date_hierarchy = None
    list_display = ("name", "enabled", "scheduler", "queue", "last_run_at", "one_off")
    list_filter = ("enabled", "one_off", "queue")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """All of them change rows, and the package asks for no permission."""
        return super().get_actions(request) if self.has_change_permission(request) else {}

    @admin.action(description="Run selected tasks now")
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """With a broker the tasks are sent; without one the embedded worker finds them due."""
        if not settings.IS_EMBEDDED:
            super().run_tasks(request, queryset)
            return
        count = queryset.update(last_run_at=LONG_AGO)
        PeriodicTasks.update_changed()
        self.message_user(request, f"Tasks that run now: {count}.", messages.SUCCESS)


class TasksInline(TabularInline):
    model = PeriodicTask
    fields = readonly_fields = ("name", "task", "args", "kwargs")
    can_delete = False
    extra = 0
    show_change_link = True
    verbose_name_plural = "Periodic tasks on this schedule"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScheduleAdmin(StudioAdmin):
    inlines = (TasksInline,)


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ScheduleAdmin):
    list_display = ("__str__", "every", "period")


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(ScheduleAdmin):
    list_display = ("__str__", "human_readable")
    fields = (
        "human_readable",
        "minute",
        "hour",
        "day_of_month",
        "month_of_year",
        "day_of_week",
        "timezone",
    )
    readonly_fields = ("human_readable",)


@admin.register(SolarSchedule)
class SolarScheduleAdmin(ScheduleAdmin):
    list_display = ("__str__", "event", "latitude", "longitude")


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(ScheduleAdmin):
    list_display = ("clocked_time",)
