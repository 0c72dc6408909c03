"""The properties of a conversion rule. What converts is saved only as it was run."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django_ace import AceWidget

from integrations import executing
from integrations.admin import rule_choices, rule_runs
from integrations.choices import Direction, RuleTarget
from integrations.conversion.names import check_pattern as check_naming
from integrations.conversion.patterns import check_pattern
from integrations.exceptions import IntegrationError
from integrations.models import (
    Account,
    ConversionRule,
    Mailbox,
    Transmission,
    ValidationFile,
)
from omnichannel.admin.base import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)
from omnichannel.admin.template_content import FilesField

RECENT = 30
MOST_ATTRIBUTES, LONGEST_ATTRIBUTE = 20, 500
LEFT_OUT = (("c", "Certificate"), ("p", "Printable summary"), ("a", "Audit trail"))
MAX_EXAMPLE = 10 * 1024 * 1024
TARGETS = {
    Direction.OUT: (RuleTarget.ENVELOPE, RuleTarget.AUDIENCE, RuleTarget.EVENT),
    Direction.IN: (RuleTarget.REMOTE, RuleTarget.EVENT),
}


class BodyEditor(AceWidget):
    """Ace; `static/studio/integrations_rule.js` sets the mode by the engine."""

    def __init__(self) -> None:
        super().__init__(
            mode="twig",
            theme="chrome",
            width="100%",
            height="420px",
            wordwrap=True,
            fontsize="13px",
            showprintmargin=False,
            useworker=False,
            toolbar=False,
        )

    @property
    def media(self) -> forms.Media:
        parts = ("mode-xml", "mode-json", "theme-tomorrow_night")
        return super().media + forms.Media(js=[f"django_ace/ace/{part}.js" for part in parts])


class DocumentChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.filename} ({obj.integration.mailbox}, {obj.created_at:%Y-%m-%d %H:%M})"


class RuleForm(forms.ModelForm):
    """`validation` are the validation files as they will be; `digest` is of what was run."""

    validation: list[ValidationFile]
    digest = ""

    level = forms.ChoiceField(
        label="Level",
        widget=UnfoldAdminSelectWidget(),
        help_text="A mailbox's rules are tried before those of its account.",
    )
    body = forms.CharField(
        label="Conversion rule", required=False, strip=False, widget=BodyEditor()
    )
    option = forms.CharField(
        label="Event or audience",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The key of the event, or the name of the audience.",
    )
    campaign = forms.IntegerField(
        label="Campaign to start",
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="The number of a draft campaign, for an audience. Optional.",
    )
    example_file = forms.FileField(
        label="Example",
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text="A document as the partner sends it (.edi, .x12, .xml, .json, .csv, .xlsx); for "
        "IN the XML of an envelope. Empty for IN: one is made from the template.",
    )
    example_from = DocumentChoice(
        label="or one that came",
        queryset=Transmission.objects.none(),
        required=False,
        empty_label="-",
        widget=UnfoldAdminSelectWidget(),
        help_text="One of the last documents that partners sent.",
    )
    kept_files = forms.MultipleChoiceField(
        label="Validation files", required=False, widget=forms.CheckboxSelectMultiple()
    )
    new_files = FilesField(
        label="Add validation files",
        required=False,
        help_text="XML Schema (.xsd) or Schematron (.sch). What does not fit is refused.",
    )
    left_out = forms.MultipleChoiceField(
        label="Left out of the archive",
        required=False,
        choices=LEFT_OUT,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    run_token = forms.CharField(required=False, widget=forms.HiddenInput())

    class Meta:
        model = ConversionRule
        fields = (
            *("direction", "name", "template_version"),
            *("matching_source", "matching_pattern", "document_type", "sender", "receiver"),
            *("naming_pattern", "output", "engine", "body", "multiple_envelopes"),
            *("target", "attributes", "send_zip"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.instance
        self.stored = list(rule.validation_files.all()) if rule.pk else []
        if "level" not in self.fields:  # somebody who only looks
            return
        cast("forms.ChoiceField", self.fields["level"]).choices = rule_choices.levels()
        if "example_from" in self.fields:
            came = cast("forms.ModelChoiceField[Transmission]", self.fields["example_from"])
            came.queryset = recent_documents()
        kept = cast("forms.MultipleChoiceField", self.fields["kept_files"])
        kept.choices = [(row.pk, str(row)) for row in self.stored]
        kept.help_text = "Untick what is no longer used." if self.stored else "None yet."
        self.initial.setdefault("kept_files", [row.pk for row in self.stored])
        if rule.pk:
            self.initial.setdefault("level", rule_choices.level_of(rule))
            options = rule.target_options
            option = options.get("event") or options.get("audience") or ""
            self.initial.setdefault("option", option)
            self.initial.setdefault("campaign", options.get("campaign"))
            self.initial.setdefault("left_out", list(rule.zip_exclude))
            if rule.example_name:
                self.fields[
                    "example_file"
                ].help_text = f"Kept: {rule.example_name}. Upload another to replace it."

    def clean_level(self) -> str:
        kind, _, key = str(self.cleaned_data["level"]).partition(":")
        if kind == "m":
            self.instance.mailbox = Mailbox.objects.get(pk=key)
            self.instance.account = self.instance.mailbox.account
        else:
            self.instance.mailbox, self.instance.account = None, Account.objects.get(pk=key)
        return kind

    def clean_attributes(self) -> dict[str, str]:
        given = self.cleaned_data["attributes"] or {}
        if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
            raise ValidationError('Write names and texts: {"name": "text or /path"}.')
        if len(given) > MOST_ATTRIBUTES:
            raise ValidationError(f"At most {MOST_ATTRIBUTES} attributes.")
        if any(len(text) > LONGEST_ATTRIBUTE for pair in given.items() for text in pair):
            raise ValidationError(f"At most {LONGEST_ATTRIBUTE} characters each.")
        return given

    def clean_left_out(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["left_out"]
        self.instance.zip_exclude = "".join(chosen)
        return chosen

    def clean_new_files(self) -> list[ValidationFile]:
        return [rule_choices.validation_file(file) for file in self.cleaned_data["new_files"]]

    def clean_example_file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["example_file"]
        if file and (file.size or 0) > MAX_EXAMPLE:
            raise ValidationError("An example has at most 10 MB.")
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        direction = data.get("direction")
        if direction and data.get("target") not in TARGETS[Direction(direction)]:
            self.add_error("target", "Choose a target of this direction.")
        if data.get("target") in (RuleTarget.AUDIENCE, RuleTarget.EVENT) and not data.get("option"):
            self.add_error("option", "Name it.")
        if direction == Direction.IN and data.get("target") == RuleTarget.REMOTE:
            if naming := data.get("naming_pattern"):
                self._check("naming_pattern", check_naming, naming)
            else:
                self.add_error("naming_pattern", "Say how the file is called.")
        if direction == Direction.OUT and data.get("matching_pattern"):
            source = data.get("matching_source", "name")
            self._check("matching_pattern", check_pattern, data["matching_pattern"], source)
        version = data.get("template_version")
        if "level" in data and version and version.template.account_id != self.instance.account_id:
            self.add_error("template_version", "It is of another account than the rule.")
        return data

    def _check(self, field: str, check: Any, *values: str) -> None:
        try:
            check(*values)
        except IntegrationError as error:
            self.add_error(field, str(error))

    def full_clean(self) -> None:
        super().full_clean()
        self.validation = []
        if not self.is_bound or self.errors or "level" not in self.fields:
            return
        data, rule = self.cleaned_data, self.instance
        rule.target_options = _options(data)
        kept = set(map(int, data["kept_files"]))
        self.validation = [row for row in self.stored if row.pk in kept] + data["new_files"]
        names = [file.filename for file in self.validation]
        if len(set(names)) != len(names):
            self.add_error("new_files", "Two validation files have the same name.")

    def check_run(self) -> None:
        """Only what was run is saved. Called on saving, not on a run."""
        if self.errors:
            return
        self.digest = executing.digest_of(self.instance, self.validation)
        is_as_before = bool(self.digest) and self.digest == self.instance.verified_digest
        if not is_as_before and not rule_runs.proves(self.cleaned_data["run_token"], self.digest):
            text = "Run the rule against an example first: it can be saved once a run succeeds."
            self.add_error(None, text)


class SavedRuleForm(RuleForm):
    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and "level" in self.fields:
            self.check_run()


def recent_documents() -> QuerySet[Transmission]:
    """A partner's documents whose bytes are there, the newest first."""
    came = Transmission.objects.filter(is_incoming=True, blob__purged_at=None)
    newest = came.order_by("-pk").values_list("pk", flat=True)[:RECENT]
    rows = Transmission.objects.filter(pk__in=list(newest)).select_related(
        "blob", "integration__mailbox"
    )
    return rows.order_by("-pk")


def _options(data: dict[str, Any]) -> dict[str, Any]:
    if data["target"] == RuleTarget.EVENT:
        return {"event": data["option"]}
    if data["target"] == RuleTarget.AUDIENCE:
        campaign = {"campaign": data["campaign"]} if data["campaign"] else {}
        return {"audience": data["option"], **campaign}
    return {}
