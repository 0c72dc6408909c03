from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from omnichannel import consents
from omnichannel.admin.address_form import AddressForm
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    action,
    display,
    row_id,
)
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.admin.people_links import person_url
from omnichannel.admin.table_pages import TableForm, TablePages
from omnichannel.choices import Category, ChannelType
from omnichannel.consent_table import COLUMNS, SAMPLE, ConsentResource, consent_maker
from omnichannel.models import Consent
from omnichannel.tables import Report, take_in

GIVEN = {True: "success", False: "danger"}


class ConsentForm(AddressForm):
    class Meta:
        model = Consent
        fields = ("channel_type", "address", "category", "is_granted", "at", "source", "wording")
        help_texts = {"is_granted": "Off: the person took their consent back."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "wording" in self.fields:
            self.fields["wording"].widget.attrs["rows"] = 3

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at > timezone.now():
            raise forms.ValidationError("It lies in the future: enter when it was said.")
        return at


class ConsentTableForm(TableForm):
    channel_type = forms.ChoiceField(
        label="Channel",
        choices=[("", "By the form of the address"), *ChannelType.choices],
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="This and what follows count for rows that do not say it themselves.",
    )
    category = forms.ChoiceField(
        choices=Category.choices,
        initial=Category.PROMOTIONAL,
        widget=UnfoldAdminSelectWidget(),
    )
    source = forms.CharField(
        max_length=120,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Where the consents were given.",
    )


@admin.register(Consent)
class ConsentAdmin(TablePages):
    form = ConsentForm
    list_display = ("address", "given", "category", "channel_type", "source", "said_at")
    list_filter = (
        ("is_granted"),
        ("channel_type", ChoicesDropdownFilter),
        ("category", ChoicesDropdownFilter),
        ("at", MomentRangeFilter),
    )
    search_fields = ("address__startswith",)
    search_help_text = "The beginning of an address"
    paginator = CappedPaginator
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("channel_type", "address"),
                    ("category", "is_granted"),
                    "at",
                    "source",
                    "wording",
                )
            },
        ),
    )
    actions_row = ("person",)
    actions_detail = ("person",)
    empty_hint = (
        "Add a consent, or import a table of them. Only campaigns that ask for consent need it."
    )
    table_form = ConsentTableForm
    table_columns = COLUMNS
    table_sample = SAMPLE
    table_hint = "Consent is yes or no; moments are UTC."

    def get_fieldsets(self, request: HttpRequest, obj: Consent | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        said = (("channel_type", "address"), ("category", "word"), "at", "source", "wording")
        found = ((None, {"fields": said}),)
        return (*found, ("Proof", {"fields": ("ip",)})) if obj.ip else found

    def get_readonly_fields(self, request: HttpRequest, obj: Consent | None = None) -> Any:
        return ("word",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Consent | None = None) -> bool:
        return False  # a new word is added

    def has_delete_permission(self, request: HttpRequest, obj: Consent | None = None) -> bool:
        return False

    def take_table(self, data: dict[str, Any]) -> Report:
        make = consent_maker(
            channel_type=data["channel_type"],
            category=data["category"],
            source=data["source"],
            at=timezone.now(),
        )
        return take_in(data["file"], columns=COLUMNS, make=make, keep=consents.add)

    def resource(self) -> ConsentResource:
        return ConsentResource()

    @display(description="consent", label=GIVEN)
    def given(self, obj: Consent) -> tuple[bool, str]:
        return obj.is_granted, "Given" if obj.is_granted else "Withdrawn"

    @display(description="consent")
    def word(self, obj: Consent) -> str:
        return self.given(obj)[1]

    @display(description="when")
    def said_at(self, obj: Consent) -> Any:
        return obj.at

    @action(description="Person", icon="person", permissions=["omnichannel.view_person"])
    def person(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(person_url(get_object_or_404(Consent, pk=row_id(object_id)).address))
