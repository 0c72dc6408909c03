from __future__ import annotations

import pytest

from omnichannel.backends.generic_http_form import EXAMPLE, GenericHttpForm
from omnichannel.backends.generic_presets import PRESETS, with_preset

GOOD = {"method": "POST", "body_kind": "json", "body": EXAMPLE}
REPORTS = {
    "reports": "json",
    "report_event": "status",
    "report_words": "DELIVRD = delivered",
    "report_id": "id",
    "report_methods": "post",
}


def errors_of(**values):
    form = GenericHttpForm({**GOOD, **values})
    return {name: " ".join(errors) for name, errors in form.errors.items()}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"method": "GET", "body_kind": "form", "body": '{"To": "{to}"}'},
        {"headers": "X-A: {key}\n\nX-B: two words"},
        {"taken_by": "value", "success_path": "data[0].status", "success_values": "ok"},
        {"taken_by": "text", "failure_text": "ERR"},
        {"accepted_statuses": "200, 202"},
        REPORTS,
        {**REPORTS, "report_check": "hmac", "report_name": "X-Sign", "report_secret": "s"},
        {**REPORTS, "report_id": "", "vendor": "telspiel"},
    ],
)
def test_what_makes_sense_is_taken(values):
    assert errors_of(**values) == {}


@pytest.mark.parametrize(
    ("values", "field", "advice"),
    [
        ({"body": ""}, "body", "required"),
        ({"body": '{"to": {to}}'}, "body", "placeholders inside quotes"),
        ({"body": '{"to": "{phone}"}'}, "body", "{phone} is not a placeholder"),
        ({"body": '{"to": NaN}'}, "body", "NaN is not a number"),
        ({"body": "[" * 5000}, "body", "cannot be used"),
        ({"body": "[" * 30 + "]" * 30}, "body", "at most 20"),
        ({"body_kind": "form", "body": '{"a": {"b": 1}}'}, "body", "one object of names"),
        ({"body_kind": "form", "body": '["{to}"]'}, "body", "one object of names"),
        ({"method": "GET"}, "body_kind", "choose Form fields"),
        ({"headers": "X-A"}, "headers", "one header a line"),
        ({"headers": "X A: b"}, "headers", "one header a line"),
        ({"headers": "Ü: b"}, "headers", "one header a line"),
        ({"headers": "Host: example.com"}, "headers", "set by the product"),
        ({"headers": "authorization: x"}, "headers", "set by the product"),
        ({"headers": "X-A: 1\nx-a: 2"}, "headers", "keep one"),
        ({"headers": "X-A: Ω"}, "headers", "a header cannot carry"),
        ({"headers": "X-A: {to}"}, "headers", "{to} is not a placeholder"),
        ({"authentication": "header"}, "key_header", "without spaces or colons"),
        ({"authentication": "header", "key_header": "X:Y"}, "key_header", "without spaces"),
        ({"prefix_on": "00a"}, "prefix_on", "digits only"),
        ({"accepted_statuses": "ok"}, "accepted_statuses", "from 200 to 299"),
        ({"accepted_statuses": "404"}, "accepted_statuses", "from 200 to 299"),
        ({"id_path": "a..b"}, "id_path", "data.messages[0].id"),
        ({"id_path": "a b"}, "id_path", "data.messages[0].id"),
        ({"taken_by": "value", "success_path": "ok"}, "success_values", "Needed"),
        ({"taken_by": "value", "success_values": "ok"}, "success_path", "Needed"),
        ({"taken_by": "text"}, "success_text", "the bad text"),
        ({**REPORTS, "report_event": ""}, "report_event", "Needed"),
        ({**REPORTS, "report_words": ""}, "report_words", "Needed"),
        ({**REPORTS, "report_words": "DELIVRD"}, "report_words", "DELIVRD = delivered"),
        ({**REPORTS, "report_words": "A = arrived"}, "report_words", "none of our events"),
        ({**REPORTS, "report_words": "A = opened temporary"}, "report_words", "can be temporary"),
        ({**REPORTS, "report_id": ""}, "report_key", "names neither"),
        ({**REPORTS, "report_time": "[x]"}, "report_time", "data.messages[0].id"),
        ({**REPORTS, "report_check": "header"}, "report_name", "without spaces"),
        ({**REPORTS, "report_check": "hmac"}, "report_secret", "Needed"),
        (
            {**REPORTS, "report_check": "hmac", "report_methods": "either"},
            "report_methods",
            "choose POST",
        ),
    ],
)
def test_nonsense_is_refused_with_advice(values, field, advice):
    assert advice in errors_of(**values)[field]


def test_stored_secret_need_not_be_typed_again():
    data = {**GOOD, **REPORTS, "report_check": "header", "report_name": "X-Mark"}

    assert GenericHttpForm(data, initial={"report_secret": "stored"}).is_valid()


def test_preset_fills_only_what_was_left_empty():
    assert with_preset({"vendor": "telspiel", "report_key": ""})["report_key"] == "custref"
    assert with_preset({"vendor": "telspiel", "report_key": "ref"})["report_key"] == "ref"
    assert "report_key" not in with_preset({"vendor": "viva-connect"})


def test_presets_hold_settings_that_there_are():
    fields = set(GenericHttpForm.base_fields)

    assert {name for preset in PRESETS.values() for name in preset.options} <= fields
    assert all(preset.note for preset in PRESETS.values())
