from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest

from campaigns.choices import Weekday
from campaigns.holiday_dates import MAX_TEXT, InvalidDates, Pasted, read
from campaigns.models import Holiday, HolidayCalendar
from campaigns.models.calendars import usual_weekend
from campaigns.zones import zone_names
from omnichannel.admin.base import (
    StudioAdmin,
    TabularInline,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    display,
)
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator

MAX_DATES = 500


class CalendarForm(forms.ModelForm):
    """With a field for dates from a file or a mail, which are added to those of the table."""

    weekend = forms.TypedMultipleChoiceField(
        label="Weekend days",
        choices=Weekday.choices,
        coerce=int,
        initial=usual_weekend,  # a declared field does not take the model's default
        required=False,
        widget=CheckboxSelectMultiple(attrs={"class": "calendar-weekdays"}),
        help_text="Campaigns choose whether they send on these.",
    )
    pasted = forms.CharField(
        label="Paste dates",
        required=False,
        max_length=MAX_TEXT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="One a line: date, name and, where it is every year, the word yearly. Such as "
        "2027-05-06; Founders' day; yearly. Dates that are in the calendar are left as they are.",
    )

    class Meta:
        model = HolidayCalendar
        fields = ("name", "country", "time_zone", "weekend")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "time_zone" in self.fields:
            names = zone_names()
            chosen = self.instance.time_zone
            choices = names if chosen in names else [chosen, *names]
            self.fields["time_zone"].widget = UnfoldAdminSelectWidget(
                choices=[(name, name) for name in choices]
            )

    def clean_pasted(self) -> list[Pasted]:
        try:
            return read(self.cleaned_data["pasted"])
        except InvalidDates as error:
            raise forms.ValidationError(str(error)) from error


class HolidayInline(TabularInline):
    model = Holiday
    fields = ("date", "name", "is_yearly")
    extra = 0
    hide_title = True
    max_num = MAX_DATES


@admin.register(HolidayCalendar)
class HolidayCalendarAdmin(HistoryAdmin, StudioAdmin):
    form = CalendarForm
    inlines = (HolidayInline,)
    list_display = ("name", "country", "time_zone", "weekend_days", "dates")
    list_filter = ("time_zone",)
    list_select_related = ()
    search_fields = ("name", "country", "holidays__name")
    readonly_fields = ("weekend_days",)  # in place of its field, for those who may only look
    paginator = CappedPaginator
    empty_hint = "A calendar says on which days campaigns may wait. Add one for each country."
    fieldsets = (
        (None, {"fields": (("name", "country"), "time_zone", "weekend")}),
        ("Several dates at once", {"fields": ("pasted",)}),
    )

    class Media:
        css = {"all": ("studio/campaign.css",)}

    def get_fieldsets(self, request: HttpRequest, obj: HolidayCalendar | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": (("name", "country"), "time_zone", "weekend_days")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HolidayCalendar]:
        return super().get_queryset(request).annotate(dates_count=Count("holidays", distinct=True))

    @display(description="weekend")
    def weekend_days(self, obj: HolidayCalendar) -> str:
        return ", ".join(Weekday(day).label for day in sorted(obj.weekend)) or "None"

    @display(description="dates", ordering="dates_count")
    def dates(self, obj: Any) -> int:
        return int(obj.dates_count)

    def save_related(
        self, request: HttpRequest, form: forms.ModelForm, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        Holiday.objects.bulk_create(
            (
                Holiday(calendar=form.instance, **each._asdict())
                for each in form.cleaned_data.get("pasted", ())
            ),
            ignore_conflicts=True,
        )
