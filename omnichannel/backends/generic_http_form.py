"""The settings of a provider that is data. Each is checked where it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms

from omnichannel.backends import generic_answer, generic_report, generic_template
from omnichannel.backends.envelope import HEADER_NAME
from omnichannel.backends.generic_path import check_path
from omnichannel.backends.generic_presets import PRESETS
from omnichannel.backends.http import HttpForm
from omnichannel.backends.sms_envelope import register_field

POST, PUT, GET = "POST", "PUT", "GET"
JSON, FORM = "json", "form"
NONE, BASIC, BEARER, KEY_HEADER = "", "basic", "bearer", "header"
EXAMPLE = '{\n  "to": "{to}",\n  "text": "{text}",\n  "reference": "{key}"\n}'
PATHS = ("success_path", "id_path", "code_path", "text_path")
REPORT_PATHS = (
    *("list", "event", "key", "id", "event_id", "address", "time", "code"),
    *("description", "url"),
)


def path(label: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=200, help_text=help_text)


def lines(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class GenericHttpForm(forms.Form):
    # {field: (the choice it depends on, the values with which it is shown)}
    shown_if: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        "key_header": ("authentication", (KEY_HEADER,)),
        "success_path": ("taken_by", (generic_answer.VALUE,)),
        "success_values": ("taken_by", (generic_answer.VALUE,)),
        "success_text": ("taken_by", (generic_answer.TEXT,)),
        "failure_text": ("taken_by", (generic_answer.TEXT,)),
        "report_name": ("report_check", ("header", "query", "hmac")),
        "report_secret": ("report_check", ("header", "query", "hmac")),
        **{
            f"report_{name}": ("reports", ("json", "form"))
            for name in (*REPORT_PATHS, "methods", "time_format", "words", "check")
        },
    }
    choice_notes: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "vendor": {slug: preset.note for slug, preset in PRESETS.items()}
    }

    vendor = forms.ChoiceField(
        choices=[("", "Any other"), *((slug, each.label) for slug, each in PRESETS.items())],
        required=False,
    )
    method = forms.ChoiceField(choices=[(name, name) for name in (POST, PUT, GET)], initial=POST)
    body_kind = forms.ChoiceField(
        label="Body",
        choices=[(JSON, "JSON"), (FORM, "Form fields")],
        initial=JSON,
        help_text="With GET the form fields become the query of the address.",
    )
    body = forms.CharField(
        label="Body template",
        max_length=generic_template.LONGEST,
        widget=lines(6),
        initial=EXAMPLE,
        help_text="JSON as your vendor wants it, with placeholders inside quotes: {to}, {text}, "
        "{subject}, {html}, {key} (ours, for reports), {sender}, {sender_name}, {reply_to}; "
        "{user}, {password}, {api_key} from this form; for India {dlt_template_id}, "
        "{dlt_entity_id}, {dlt_telemarketer_id}; {params.NAME} from the message's Channel "
        "Provider Params, {headers.NAME} from its headers.",
    )
    headers = forms.CharField(
        required=False,
        max_length=8000,
        widget=lines(2),
        help_text="One a line, such as X-Account: 12. May hold {key}, {user}, {password} and "
        "{api_key}.",
    )
    authentication = forms.ChoiceField(
        choices=[
            (NONE, "None, or in the body"),
            (BASIC, "Basic: app user and app password"),
            (BEARER, "Bearer: app key"),
            (KEY_HEADER, "App key in a header"),
        ],
        required=False,
    )
    key_header = forms.CharField(
        label="Header of the key", required=False, max_length=100, help_text="Such as X-API-Key"
    )
    prefix_off = forms.RegexField(
        r"^\+?[0-9]*$",
        label="Take off numbers",
        required=False,
        max_length=8,
        error_messages={"invalid": "Write + and digits only."},
        help_text="SMS: what a number begins with and the vendor does not want, such as +",
    )
    prefix_on = forms.RegexField(
        r"^\+?[0-9]*$",
        label="Put before numbers",
        required=False,
        max_length=8,
        error_messages={"invalid": "Write + and digits only."},
        help_text="SMS: after that, such as 00",
    )
    entity_id = register_field("DLT entity ID", "SMS in India: the sender's registration.")
    telemarketer_id = register_field("DLT telemarketer ID", "SMS in India, where it is asked for.")
    accepted_statuses = forms.CharField(
        label="Answer: good statuses",
        required=False,
        max_length=100,
        help_text="Such as 200, 202. Empty: every 2xx.",
    )
    taken_by = forms.ChoiceField(
        label="Answer: taken is told by",
        choices=[
            ("", "The HTTP status alone"),
            (generic_answer.VALUE, "The status and a value in JSON"),
            (generic_answer.TEXT, "The status and a text"),
        ],
        required=False,
        help_text="Many vendors answer failures with HTTP 200.",
    )
    success_path = path(
        "Answer: the value *",
        "Where it is in the JSON, such as result.status or messages[0].status",
    )
    success_values = forms.CharField(
        label="Answer: good values *",
        required=False,
        max_length=500,
        help_text="With commas between, such as success, 0",
    )
    success_text = forms.CharField(
        label="Answer: good text",
        required=False,
        max_length=200,
        help_text="Without it the message was not taken.",
    )
    failure_text = forms.CharField(
        label="Answer: bad text",
        required=False,
        max_length=200,
        help_text="With it the message was not taken.",
    )
    id_path = path("Answer: vendor's ID", "Where it is in the JSON, such as data.message_id")
    code_path = path("Answer: error code", "Where it is in the JSON.")
    text_path = path("Answer: error text", "Where it is in the JSON.")
    stop_codes = forms.CharField(
        label="Codes that stop the provider",
        required=False,
        max_length=500,
        help_text="With commas between: a wrong password, an empty account. Messages wait.",
    )
    failure_means = forms.ChoiceField(
        label="Any other refusal",
        choices=[
            ("temporary", "Is tried again"),
            (generic_answer.PERMANENT, "Fails the message"),
        ],
        initial="temporary",
        required=False,
        help_text="What each code means can be changed under Channel Provider Statuses.",
    )
    connections = HttpForm.base_fields["connections"]

    reports = forms.ChoiceField(
        label="Delivery reports",
        choices=[("", "None"), ("json", "JSON"), ("form", "Form fields or query")],
        required=False,
        help_text="What the vendor sends to this provider's webhook address.",
    )
    report_methods = forms.ChoiceField(
        label="Report: method",
        choices=[("post", "POST"), ("get", "GET"), ("either", "POST or GET")],
        initial="post",
        required=False,
    )
    report_list = path("Report: where the list is", "Empty: the call is the list, or one event.")
    report_event = path("Report: event *", "Where the event's name is, such as status.")
    report_words = forms.CharField(
        label="Report: what events mean *",
        required=False,
        max_length=8000,
        widget=lines(4),
        help_text="One a line: DELIVRD = delivered, UNDELIV = failed, BUSY = bounced temporary. "
        "Ours are queued, sent, deferred, delivered, opened, clicked, bounced, rejected, failed, "
        "complained, unsubscribed, subscribed.",
    )
    report_key = path("Report: our {key}", "Where it is when the vendor gives it back.")
    report_id = path("Report: the vendor's ID", "The same as in the answer.")
    report_event_id = path("Report: the event's own ID", "Empty: the whole event tells it.")
    report_address = path("Report: address or number", "Where it is in an event.")
    report_time = path("Report: time", "Where it is in an event. Empty: when the call came.")
    report_time_format = forms.ChoiceField(
        label="Report: time is written in",
        choices=[
            ("seconds", "Seconds since 1970"),
            ("milliseconds", "Milliseconds since 1970"),
            ("iso", "ISO 8601, UTC unless it says otherwise"),
        ],
        initial="seconds",
        required=False,
    )
    report_code = path("Report: code", "Where it is in an event. Empty: its name.")
    report_description = path("Report: reason", "Where it is in an event.")
    report_url = path("Report: clicked link", "Where it is in an event.")
    report_check = forms.ChoiceField(
        label="Report: verified by",
        choices=[
            ("", "Nothing: only the webhook address is secret"),
            ("header", "A secret in a header"),
            ("query", "A secret in the address, after ?"),
            ("hmac", "HMAC-SHA256 of the body in a header"),
        ],
        required=False,
    )
    report_name = forms.CharField(
        label="Report: name of that place",
        required=False,
        max_length=100,
        help_text="Of the header or the parameter, such as X-Signature",
    )
    report_secret = forms.CharField(label="Report: secret", required=False, max_length=500)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check("accepted_statuses", generic_answer.parse_statuses)
        self._check("headers", generic_template.parse_headers)
        self._check("report_words", generic_report.parse_words)
        for name in (*PATHS, *(f"report_{each}" for each in REPORT_PATHS)):
            self._check(name, check_path)
        self._check_body()
        self._check_answer()
        if cleaned.get("reports"):
            self._check_reports()
        return cleaned

    def _check(self, name: str, parse: Callable[[str], object]) -> None:
        try:
            parse(self._given(name))
        except ValueError as error:
            self.add_error(name, str(error))

    def _check_body(self) -> None:
        is_flat = self._given("body_kind") == FORM
        if self._given("method") == GET and not is_flat:
            self.add_error("body_kind", "GET has no body: choose Form fields.")
        elif self._given("body"):
            self._check("body", lambda text: generic_template.parse_body(text, is_flat=is_flat))
        if self._given("authentication") == KEY_HEADER:
            self._need_header_name("key_header")

    def _check_answer(self) -> None:
        told_by = self._given("taken_by")
        if told_by == generic_answer.VALUE:
            for name in ("success_path", "success_values"):
                if not self._given(name) and name not in self.errors:
                    self.add_error(name, "Needed to tell by a value.")
        has_text = self._given("success_text") or self._given("failure_text")
        if told_by == generic_answer.TEXT and not has_text:
            self.add_error("success_text", "Fill in this or the bad text.")

    def _check_reports(self) -> None:
        for name in ("report_event", "report_words"):
            if not self._given(name) and name not in self.errors:
                self.add_error(name, "Needed for delivery reports.")
        if not (self._given("report_key") or self._given("report_id") or self._given("vendor")):
            self.add_error("report_key", "Fill in this or the vendor's ID: a report names neither.")
        check = self._given("report_check")
        if not check:
            return
        self._need_header_name("report_name")
        if not self._given("report_secret") and not self.initial.get("report_secret"):
            self.add_error("report_secret", "Needed to verify reports.")
        if check == generic_report.HMAC and self._given("report_methods") != generic_report.POST:
            self.add_error("report_methods", "Only POST has a body to be signed: choose POST.")

    def _need_header_name(self, name: str) -> None:
        if not HEADER_NAME.fullmatch(self._given(name)) and name not in self.errors:
            self.add_error(name, "Write a name without spaces or colons, such as X-API-Key.")

    def _given(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")
