"""The filters of the communication report: a form whose address can be kept."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from omnichannel.admin.base import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget
from omnichannel.choices import Category, ChannelType, MessageStatus
from omnichannel.models import ChannelProvider, Job, MessageTemplate
from omnichannel.reports import GROUPS, Wanted

USUAL_DAYS = 7
LONGEST_ADDRESS = 320
OFFERED = 100  # latest jobs and campaigns; others are asked for by their id
EARLIEST, LATEST = datetime.date(2000, 1, 1), datetime.date(2200, 1, 1)
LARGEST_ID = 2**63 - 1
CAMPAIGN = "campaign"  # the source of the jobs that are a campaign's runs
STATUSES = [
    ("", "All"),
    (
        "Groups",
        [
            ("success", "Success: sent or delivered"),
            ("error", "Error: failed, to be retried or uncertain"),
            ("waiting", "Waiting: new or being sent"),
            ("suppressed", "Not sent: suppressed, cancelled or expired"),
        ],
    ),
    ("One status", MessageStatus.choices),
]


def _select(choices: list[Any]) -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices, required=False, widget=UnfoldAdminSelectWidget)


def _day() -> forms.DateField:
    return forms.DateField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
    )


def _key(label: str, offered: str = "") -> forms.IntegerField:
    attrs = {"inputmode": "numeric", "autocomplete": "off"} | ({"list": offered} if offered else {})
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        widget=UnfoldAdminTextInputWidget(attrs=attrs),
    )


def _text(label: str, longest: int, hint: str = "") -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"placeholder": hint})
    return forms.CharField(label=label, required=False, max_length=longest, widget=widget)


class ReportForm(forms.Form):
    """Every part of it may be empty; `since` is a week ago when it is not named at all."""

    channel = _select([("", "All"), *ChannelType.choices])
    address = _text("To", LONGEST_ADDRESS, "A whole e-mail address or phone number")
    status = _select(STATUSES)
    since = _day()
    until = _day()
    template = _key("Template id", "report-templates")
    job = _key("Job id", "report-jobs")
    campaign = _key("Campaign id", "report-campaigns")
    provider = _select([])
    category = _select([("", "All"), *Category.choices])
    error_code = _text("Error code", 60)

    def __init__(self, data: Any, *, today: datetime.date) -> None:
        if "since" not in data:
            data = data.copy()
            data["since"] = str(today - datetime.timedelta(days=USUAL_DAYS))
        super().__init__(data)
        providers: Any = self.fields["provider"]
        rows = ChannelProvider.objects.order_by("name").values_list("id", "name")
        providers.choices = [("", "All"), *((str(pk), name) for pk, name in rows)]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and until < since:
            self.add_error("until", "It is before the first day: choose a later one.")
        return found

    def wanted(self) -> Wanted:
        """What the valid form asks for."""
        found = self.cleaned_data
        status, campaign = found["status"], found["campaign"]
        last = found["until"]
        return Wanted(
            channel_type=found["channel"],
            address=found["address"],
            statuses=GROUPS.get(status, (status,) if status else ()),
            since=_begin_of(found["since"]),
            until=_begin_of(last + datetime.timedelta(days=1)) if last else None,
            template=found["template"],
            job=found["job"],
            source=CAMPAIGN if campaign else "",
            reference=str(campaign) if campaign else "",
            provider=int(found["provider"]) if found["provider"] else None,
            category=found["category"],
            error_code=found["error_code"],
        )

    def in_words(self) -> str:
        """The filters, for the log of who exported what."""
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        texts = [f"{self[name].label}: {value}" for name, value in asked.items()]
        return ", ".join(texts) or "all messages"


def _begin_of(day: datetime.date | None) -> datetime.datetime | None:
    return datetime.datetime.combine(day, datetime.time.min, datetime.UTC) if day else None


def offers() -> dict[str, list[tuple[object, str]]]:
    """{list: (id, name)}: what the fields for ids suggest."""
    jobs = Job.objects.order_by("-id").values_list("id", "name")[:OFFERED]
    runs = Job.objects.filter(source=CAMPAIGN).order_by("-id").values_list("reference", "name")
    templates = MessageTemplate.objects.order_by("-id").values_list("id", "name")[:OFFERED]
    return {
        "report-templates": list(templates),
        "report-jobs": list(jobs),
        "report-campaigns": list(dict(runs[:OFFERED]).items()),
    }
