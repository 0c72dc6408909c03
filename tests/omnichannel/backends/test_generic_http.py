from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from omnichannel.backends.base import Attachment
from omnichannel.backends.generic_http import GenericHttp
from omnichannel.choices import ChannelType, Outcome
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    Rejected,
    TemporaryError,
    Throttled,
)
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers import http
from tests.servers.http import Answer, HttpServer

FLAT = {"body_kind": "form", "body": '{"To": "{to}", "Text": "{text}", "v": 1, "flash": false}'}


def make_generic(url: str, options=None, **values) -> GenericHttp:
    values = {
        "channel_type": ChannelType.SMS,
        "deadline": 1.0,
        "app_user": "user",
        "app_password": "pass",
        "app_key": "key-1",
        **values,
    }
    return GenericHttp(make_config(service_url=url, options=options or {}, **values))


def make_sms(**values):
    return make_outgoing(**{"to": "+12025550143", "subject": "", "html": "", **values})


def sent_by(answer: Answer, options=None, **values):
    with HttpServer(answer) as server:
        return make_generic(server.url, options).send(make_sms(**values)), server


def test_json_body_is_filled_without_a_way_out_of_its_texts():
    hostile = '", "admin": true, "x": "{password} {key}\n\\ é'
    options = {"body": '{"a": [{"b": "To {to}: {text}"}], "n": 1, "ref": "{key}", "t": "{text}"}'}

    _, server = sent_by(Answer(), options, text=hostile)

    [request] = server.requests
    assert request.headers["content-type"] == "application/json"
    assert list(request.json) == ["a", "n", "ref", "t"]
    assert request.json["t"] == hostile
    assert request.json["a"] == [{"b": f"To +12025550143: {hostile}"}]
    assert request.json["n"] == 1


def test_form_body_is_encoded_field_by_field():
    _, server = sent_by(Answer(), FLAT, text="a&To=+1 é{to}")

    [request] = server.requests
    assert request.method == "POST"
    assert parse_qs(request.body.decode(), strict_parsing=True) == {
        "To": ["+12025550143"],
        "Text": ["a&To=+1 é{to}"],
        "v": ["1"],
        "flash": ["false"],
    }


def test_get_puts_the_fields_behind_what_the_address_has():
    with HttpServer(Answer()) as server:
        backend = make_generic(f"{server.url}/send/?v=2", {**FLAT, "method": "GET"})
        backend.send(make_sms(text="a b&c"))

    [request] = server.requests
    parts = urlsplit(request.path)
    assert (request.method, parts.path, request.body) == ("GET", "/send/", b"")
    assert parse_qs(parts.query)["Text"] == ["a b&c"]
    assert parse_qs(parts.query)["v"] == ["2", "1"]


def test_slash_at_the_end_of_the_address_is_kept():
    with HttpServer(Answer()) as server:
        make_generic(f"{server.url}/send/", {"method": "PUT"}).send(make_sms())

    assert (server.requests[0].method, server.requests[0].path) == ("PUT", "/send/")


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"authentication": "basic"}, "authorization", "Basic dXNlcjpwYXNz"),
        ({"authentication": "bearer"}, "authorization", "Bearer key-1"),
        ({"authentication": "header", "key_header": "X-Key"}, "x-key", "key-1"),
        ({"headers": "X-Login: {user}:{password}"}, "x-login", "user:pass"),
        ({"headers": "Content-Type: application/vnd.x+json"}, "content-type", None),
    ],
)
def test_credentials_go_where_the_contract_wants_them(options, name, value):
    _, server = sent_by(Answer(), options)

    headers = server.requests[0].headers
    assert headers[name] == (value or "application/vnd.x+json")
    assert ("authorization" in headers) == (name == "authorization")


def test_credentials_may_stand_in_the_body():
    options = {"body": '{"u": "{user}", "p": "{password}", "k": "{api_key}", "t": "{text}"}'}

    _, server = sent_by(Answer(), options)

    assert server.requests[0].json == {"u": "user", "p": "pass", "k": "key-1", "t": "Hello Ann"}


def test_params_and_headers_of_the_message_are_offered():
    options = {"body": '{"d": "{params.template_id}", "h": "{headers.X-A}", "n": "{params.no}"}'}

    _, server = sent_by(Answer(), options, params={"template_id": 12}, headers={"X-A": "b"})

    assert server.requests[0].json == {"d": "12", "h": "b", "n": ""}


def test_the_ids_of_indias_register_are_offered():
    places = "{dlt_template_id} {dlt_entity_id} {dlt_telemarketer_id} {sender}"
    options = {"body": f'{{"ids": "{places}", "t": "{{text}}"}}'}
    options |= {"entity_id": "E1", "telemarketer_id": "TM1"}

    _, server = sent_by(Answer(), options, dlt_template_id="1107161234", from_address="EXMPLE")

    assert server.requests[0].json["ids"] == "1107161234 E1 TM1 EXMPLE"


@pytest.mark.parametrize(
    ("off", "on", "wanted"),
    [("", "", "+12025550143"), ("+", "", "12025550143"), ("+1", "001", "0012025550143")],
)
def test_beginning_of_a_number_is_changed(off, on, wanted):
    options = {"body": '{"to": "{to}"}', "prefix_off": off, "prefix_on": on}

    _, server = sent_by(Answer(), options)

    assert server.requests[0].json == {"to": wanted}


def test_email_goes_with_subject_and_html():
    options = {
        "body": '{"from": "{sender_name} <{sender}>", "to": "{to}",'
        ' "s": "{subject}", "h": "{html}"}'
    }
    with HttpServer(Answer()) as server:
        backend = make_generic(server.url, options, channel_type=ChannelType.EMAIL)
        backend.send(make_outgoing())

    assert server.requests[0].json == {
        "from": "The Studio <studio@example.com>",
        "to": "ann@example.com",
        "s": "Hello",
        "h": "<p>Hello Ann</p>",
    }


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"cc": ("cc@example.com",)}, "leave Cc and Bcc empty"),
        ({"attachments": (Attachment("a", b""),)}, "leave them out"),
        ({"text": ""}, "carries {text}, and the message has none"),
    ],
)
def test_what_would_be_lost_is_refused(values, advice):
    with HttpServer(Answer()) as server, pytest.raises(Rejected, match=advice):
        make_generic(server.url, channel_type=ChannelType.EMAIL).send(make_outgoing(**values))

    assert server.requests == []


def test_sms_needs_a_sender_only_where_the_template_has_one():
    with HttpServer(Answer()) as server:
        make_generic(server.url, from_address="").send(make_sms())
        backend = make_generic(server.url, {"body": '["{sender}", "{text}"]'}, from_address="")
        with pytest.raises(Rejected, match="From Address"):
            backend.send(make_sms())

    assert len(server.requests) == 1


def test_id_is_found_where_the_settings_say():
    answer = Answer(200, {"data": [{"msg-id": 17}]})

    result, _ = sent_by(answer, {"id_path": "data[0].msg-id"})

    assert (result.outcome, result.code, result.external_id) == (Outcome.ACCEPTED, "accepted", "17")


BY_PATH = {"taken_by": "value", "success_path": "result.ok", "success_values": "true, 0"}
REFUSED = {"result": {"ok": False}, "error": {"code": "E7", "text": "No such route"}}
BY_CODE = {**BY_PATH, "code_path": "error.code", "text_path": "error.text"}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (BY_PATH, {"result": {"ok": True}}),
        (BY_PATH, {"result": {"ok": 0}}),
        (BY_PATH, {"result": {"ok": "TRUE"}}),
        ({"taken_by": "text", "success_text": "Queued"}, b"<r>queued 17</r>"),
        ({"taken_by": "text", "failure_text": "ERR"}, b"ok"),
        ({"accepted_statuses": "200, 202"}, b""),
        ({**BY_PATH, "taken_by": "", "success_text": "left over"}, REFUSED),
    ],
)
def test_success_is_told_by_status_value_or_text(options, body):
    result, _ = sent_by(Answer(200, body), options)

    assert result.outcome == Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("options", "body", "error", "code"),
    [
        (BY_CODE, REFUSED, TemporaryError, "E7"),
        ({**BY_CODE, "failure_means": "rejected"}, REFUSED, Rejected, "E7"),
        ({**BY_CODE, "stop_codes": "e5, e7"}, REFUSED, ProviderRefused, "E7"),
        (BY_CODE, {"error": {"code": "E8"}}, TemporaryError, "E8"),
        ({"taken_by": "text", "success_text": "queued"}, b"no credit", TemporaryError, "failed"),
        ({"taken_by": "text", "failure_text": "err"}, b"ERR 12", TemporaryError, "failed"),
    ],
)
def test_failure_with_http_200_is_a_failure(options, body, error, code):
    with pytest.raises(error) as caught:
        sent_by(Answer(200, body), options)

    assert type(caught.value) is error
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (BY_PATH, Answer(200, b"<html>")),
        (BY_PATH, Answer(200, b"[" * 100_000)),
        (BY_PATH, Answer(200, {"result": []})),
        (BY_PATH, Answer(200, {"result": {"ok": [True]}})),
        ({"accepted_statuses": "202"}, Answer(200)),
        ({}, Answer(200, b"abcdef", manner=http.CUT_BODY)),
        ({}, Answer(200, manner=http.CLOSE)),
        ({}, Answer(200, manner=http.FLOOD_HEAD)),
    ],
)
def test_answer_that_does_not_tell_leaves_the_outcome_unknown(options, answer):
    with pytest.raises(OutcomeUnknown):
        sent_by(answer, options)


@pytest.mark.parametrize(
    ("status", "error"),
    [(302, ProviderRefused), (400, Rejected), (401, ProviderRefused), (429, Throttled)],
)
def test_http_errors_are_judged_by_their_status(status, error):
    with pytest.raises(error, match="why"):
        sent_by(Answer(status, {"error": "why"}), {"text_path": "error"})


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("", {}),
        ("ftp://example.com", {}),
        ("http://[", {}),
        ("http://user:secret@127.0.0.1/", {}),
        (None, {"body": "{"}),
        (None, {"body": '{"a": "{nothing}"}'}),
        (None, {"body": "[" * 10_000}),
        (None, {"headers": "Host: example.com"}),
        (None, {"authentication": "header", "key_header": "X: y"}),
        (None, {"accepted_statuses": "9"}),
    ],
)
def test_settings_that_no_form_let_through_stop_the_provider(url, options):
    with HttpServer(Answer()) as server:
        backend = make_generic(server.url if url is None else url, options)
        with pytest.raises(ProviderRefused):
            backend.send(make_sms())

    assert server.requests == []


def test_check_sends_nothing_that_could_be_taken_for_a_message():
    with HttpServer(Answer(405)) as server:
        said = make_generic(server.url, {"method": "GET", "body_kind": "form"}).check()

    assert "is there (HTTP 405)" in said
    assert [request.method for request in server.requests] == ["OPTIONS"]
