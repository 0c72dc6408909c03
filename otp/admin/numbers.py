"""Numbers and addresses with a code that never changes, for those who test with a test key."""

from __future__ import annotations

from django import forms
from django.contrib import admin

from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.exceptions import InvalidMessage
from otp import destinations
from otp.choices import OtpChannel
from otp.models import TestNumber


class TestNumberForm(forms.ModelForm):
    class Meta:
        model = TestNumber
        fields = ("destination", "code", "note", "is_active")

    def clean_destination(self) -> str:
        text = self.cleaned_data["destination"]
        try:
            return destinations.of(
                OtpChannel.EMAIL if "@" in text else OtpChannel.SMS, text
            ).address
        except InvalidMessage as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(TestNumber)
class TestNumberAdmin(StudioAdmin):
    form = TestNumberForm
    list_display = ("destination", "code", "note", "is_active")
    list_filter = ("is_active",)
    list_select_related = ()
    search_fields = ("destination", "note")
    search_help_text = "Part of a number, an address or a note"
    paginator = CappedPaginator
    fieldsets = ((None, {"fields": (("destination", "code"), "note", "is_active")}),)
    empty_hint = (
        "A test number always gets the same code, and nothing is sent to it. It works with a test "
        "key only: with a live key it is a number like any other."
    )
