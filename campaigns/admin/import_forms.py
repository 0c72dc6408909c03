"""The forms of an import: the file, how it is written, and what its columns are."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from phonenumbers import SUPPORTED_REGIONS, country_code_for_region

from campaigns.choices import ImportMode
from campaigns.import_mapping import Mapping
from campaigns.import_preview import Preview
from campaigns.models import Audience
from omnichannel.admin.base import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)
from omnichannel.choices import Delimiter, Encoding
from omnichannel.exceptions import ImportRefused

REGIONS = [("", "None: every number must have +")] + [
    (region, f"{region} (+{country_code_for_region(region)})")
    for region in sorted(SUPPORTED_REGIONS)
]
ROLES = [
    ("email", "E-mail address"),
    ("phone", "Phone number"),
    ("variable", "Variable"),
    ("skip", "Leave out"),
]


class UploadForm(forms.Form):
    name = forms.CharField(
        label="Name of the audience",
        max_length=120,
        widget=UnfoldAdminTextInputWidget(),
        help_text="A new audience is made for the file.",
    )
    file = forms.FileField(
        label="File",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        allow_empty_file=True,
        help_text="CSV in any encoding, or an Excel workbook (.xlsx, its first sheet).",
    )

    def __init__(self, *args: Any, audience: Audience | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if audience:
            del self.fields["name"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if Audience.objects.filter(name=name).exists():
            raise forms.ValidationError(
                "There is an audience with this name. Open it and choose Import there, or take "
                "another name."
            )
        return name


class WritingForm(forms.Form):
    """How the file is written. Each change shows the preview anew."""

    encoding = forms.ChoiceField(
        choices=[("", "Choose"), *Encoding.choices], widget=UnfoldAdminSelectWidget()
    )
    delimiter = forms.ChoiceField(
        choices=Delimiter.choices, widget=UnfoldAdminSelectWidget(), label="Columns end with"
    )
    has_header = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), label="The first row is the header"
    )


class MappingForm(forms.Form):
    """A role and a name for every column, and what to do with the rows."""

    key = forms.ChoiceField(
        label="Duplicates are known by",
        widget=UnfoldAdminSelectWidget(),
        help_text="Two rows with the same value here are the same record.",
    )
    mode = forms.ChoiceField(
        label="What to do",
        choices=ImportMode.choices,
        initial=ImportMode.UPSERT,
        widget=UnfoldAdminSelectWidget(),
    )
    default_region = forms.ChoiceField(
        label="Country of phone numbers without +",
        choices=REGIONS,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, preview: Preview, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preview = preview
        guess = preview.mapping
        names = {index: name for name, index in guess.variables.items()}
        self.fields["default_region"].initial = settings.DEFAULT_PHONE_REGION
        self._take_keys(guess.key)
        for index, name in enumerate(preview.names):
            role = "email" if index == guess.email else "phone" if index == guess.phone else ""
            self.fields[f"role_{index}"] = forms.ChoiceField(
                choices=ROLES,
                initial=role or "variable",
                widget=UnfoldAdminSelectWidget(attrs={"aria-label": f"Use of column {index + 1}"}),
            )
            self.fields[f"name_{index}"] = forms.CharField(
                required=False,
                initial=names.get(index, name),
                widget=UnfoldAdminTextInputWidget(
                    attrs={"aria-label": f"Variable of column {index + 1}"}
                ),
            )

    def _take_keys(self, guessed: str) -> None:
        columns = [(f"column_{i}", name) for i, name in enumerate(self.preview.names)]
        own = [("email", "E-mail address"), ("phone", "Phone number")]
        field = self.fields["key"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*own, *columns]
            field.initial = guessed or "email"

    def columns(self) -> list[dict[str, Any]]:
        """One line of the table for each column: header, samples, role and name fields."""
        rows = [fields for _, fields, fault in self.preview.rows if not fault]
        return [
            {
                "header": header or f"Column {index + 1}",
                "samples": [row[index] for row in rows if index < len(row) and row[index]][:3],
                "role": self[f"role_{index}"],
                "name": self[f"name_{index}"],
            }
            for index, header in enumerate(self.preview.headers)
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        try:
            mapping = self._mapping(data)
            mapping.check()
        except ImportRefused as error:
            raise forms.ValidationError(str(error)) from error
        data["mapping"] = mapping
        return data

    def _mapping(self, data: dict[str, Any]) -> Mapping:
        roles = [data.get(f"role_{i}", "skip") for i in range(len(self.preview.names))]
        for role, label in ROLES[:2]:
            if roles.count(role) > 1:
                raise ImportRefused(f"Only one column can be the {label.lower()}.")
        variables: dict[str, int] = {}
        for index, role in enumerate(roles):
            if role != "variable":
                continue
            name = data.get(f"name_{index}", "").strip()
            if name in variables:
                raise ImportRefused(f"Two columns are called “{name}”: give one another name.")
            variables[name] = index
        return Mapping(
            email=roles.index("email") if "email" in roles else None,
            phone=roles.index("phone") if "phone" in roles else None,
            variables=variables,
            key=self._key(data.get("key", ""), roles, variables),
        )

    def _key(self, choice: str, roles: list[str], variables: dict[str, int]) -> str:
        if not choice.startswith("column_"):
            return choice
        index = int(choice.removeprefix("column_"))
        if roles[index] in ("email", "phone"):
            return roles[index]
        return next((name for name, at in variables.items() if at == index), "")
