from __future__ import annotations

import datetime
from urllib.parse import parse_qs

import pytest

from omnichannel.backends.base import Attachment
from omnichannel.backends.netcore_answer import NotUnderstood, read
from omnichannel.backends.netcore_sms import NetcoreSms, NetcoreSmsForm
from omnichannel.choices import ChannelType, EventType, Outcome
from omnichannel.exceptions import (
    InvalidWebhook,
    OutcomeUnknown,
    ProviderRefused,
    Rejected,
    SendError,
    TemporaryError,
)
from tests.factories_outgoing import make_config, make_outgoing
from tests.omnichannel.backends.recorded import FORM, got, posted, recorded
from tests.servers import http
from tests.servers.http import Answer, HttpServer

ACCEPTED = Answer(200, recorded("netcore_sms_accepted.xml"))
AT = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)
BOMB = (
    b'<!DOCTYPE R [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<RESULT REQID="1"><MID ID="&b;"/></RESULT>'
)


def make_netcore(url: str = "", *, options=None, **values) -> NetcoreSms:
    values = {"from_address": "STUDIO", "deadline": 1.0, **values}
    return NetcoreSms(
        make_config(
            channel_type=ChannelType.SMS,
            service_url=url,
            app_user="user",
            app_password="pass word",
            options={"feed_id": "12", **(options or {})},
            **values,
        )
    )


def make_sms(**values):
    return make_outgoing(**{"to": "+12025550143", "subject": "", "html": "", **values})


def sent_by(answer: Answer, *, options=None, **values):
    with HttpServer(answer) as server:
        return make_netcore(server.url, options=options).send(make_sms(**values)), server


def fields_of(server: HttpServer) -> dict[str, str]:
    [request] = server.requests
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def test_message_goes_as_a_form_with_spaces_percent_encoded():
    result, server = sent_by(ACCEPTED, text="Héllo + 50%")

    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/SingleMsgApi")
    assert b"Text=H%C3%A9llo%20%2B%2050%25" in request.body
    assert fields_of(server) == {
        "feedid": "12",
        "username": "user",
        "password": "pass word",
        "To": "12025550143",
        "Text": "Héllo + 50%",
        "senderid": "STUDIO",
    }
    assert (result.outcome, result.external_id) == (Outcome.ACCEPTED, "1234567890")


def test_message_goes_as_json_when_that_is_chosen():
    options = {"request_form": "json", "entity_id": "E1", "template_id": "T1"}

    _, server = sent_by(ACCEPTED, options=options, params={"template_id": "T2"})

    [request] = server.requests
    assert request.path == "/JsonSingleApi"
    assert request.json == {
        "feedid": "12",
        "username": "user",
        "password": "pass word",
        "mobile": "12025550143",
        "messages": "Hello Ann",
        "templateid": "T2",
        "entityid": "E1",
    }


@pytest.mark.parametrize(
    ("params", "template_id", "sent"),
    [({}, "", "T1"), ({}, "1107161234", "1107161234"), ({"template_id": 12}, "1107161234", "12")],
)
def test_the_registered_id_is_the_messages_its_templates_or_the_providers(
    params, template_id, sent
):
    options = {"entity_id": "E1", "template_id": "T1"}

    _, server = sent_by(
        ACCEPTED,
        options=options,
        params=params,
        dlt_template_id=template_id,
        from_address="EXMPLE",
    )

    fields = fields_of(server)
    assert (fields["templateid"], fields["entityid"]) == (sent, "E1")
    assert fields["senderid"] == "EXMPLE"


def test_service_url_may_name_the_form_already():
    with HttpServer(ACCEPTED) as server:
        make_netcore(f"{server.url}/BulkSms/SingleMsgApi").send(make_sms())

    assert server.requests[0].path == "/BulkSms/SingleMsgApi"


def test_sender_is_not_needed():
    with HttpServer(ACCEPTED) as server:
        make_netcore(server.url, from_address="", from_name="").send(make_sms())

    assert "senderid" not in fields_of(server)


@pytest.mark.parametrize(
    "values",
    [
        {"to": "ann@example.com"},
        {"to": "12"},
        {"text": ""},
        {"cc": ("+12025550144",)},
        {"attachments": (Attachment("a", b""),)},
    ],
)
def test_what_is_no_sms_is_refused_before_it_is_sent(values):
    with HttpServer(ACCEPTED) as server, pytest.raises(Rejected):
        make_netcore(server.url).send(make_sms(**values))

    assert server.requests == []


def test_wrong_password_comes_with_http_200_and_stops_the_provider():
    with pytest.raises(ProviderRefused, match="Authentication failure") as caught:
        sent_by(Answer(200, recorded("netcore_sms_refused.xml")))

    assert caught.value.code == "122"


def test_unknown_code_is_tried_again_and_kept_for_the_status_table():
    body = recorded("netcore_sms_refused.xml").replace(b"122", b"99")

    with pytest.raises(TemporaryError) as caught:
        sent_by(Answer(200, body))

    assert caught.value.code == "99"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""),
        Answer(200, b"OK"),
        Answer(200, BOMB),
        Answer(200, b"<a>" * 5000),
        Answer(200, b'<RESULT REQID="1"/>'),
        Answer(200, b'<OTHER REQID="1"><MID/></OTHER>'),
        Answer(200, b'<?xml version="1.0" encoding="none-such"?><RESULT/>'),
        Answer(200, recorded("netcore_sms_accepted.xml"), manner=http.CUT_BODY),
    ],
)
def test_any_other_answer_leaves_the_outcome_unknown(answer):
    with pytest.raises(OutcomeUnknown):
        sent_by(answer)


@pytest.mark.parametrize("status", [302, 400, 403, 404, 429, 500, 503])
def test_http_errors_are_errors_of_sending(status):
    with pytest.raises(SendError) as caught:
        sent_by(Answer(status))

    assert caught.value.code == str(status)


def test_entities_are_refused_before_one_is_read():
    with pytest.raises(NotUnderstood, match="document type"):
        read(BOMB)


def test_check_says_that_somebody_is_there():
    with HttpServer(Answer(200)) as server:
        assert "is there (HTTP 200)" in make_netcore(server.url).check()


def test_probe_is_answered_well():
    assert make_netcore().parse_webhook(got("", method="HEAD")) == []
    assert "HEAD" in NetcoreSms.webhook_methods


def test_recorded_list_of_reports_is_read():
    delivered, failed = make_netcore().parse_webhook(posted(recorded("netcore_sms_reports.json")))

    assert (delivered.type, delivered.external_id, delivered.at) == (
        EventType.DELIVERED,
        "1234567890",
        AT,
    )
    assert delivered.address == "12025550143"
    assert (failed.type, failed.outcome) == (EventType.FAILED, Outcome.REJECTED)
    assert failed.description == "Absent subscriber"


@pytest.mark.parametrize(
    "call",
    [
        got("reqid=77&status=delivered&mobile=12025550143"),
        got("request_ID=77&Status=Delivered"),
        posted(b"REQID=77&status=DELIVERED", kind=FORM),
        posted(b"status=delivered", kind=FORM, query="reqid=77"),
    ],
)
def test_report_comes_by_get_or_post(call):
    [event] = make_netcore().parse_webhook(call)

    assert (event.type, event.external_id) == (EventType.DELIVERED, "77")


def test_names_and_words_of_ones_own_contract_are_used():
    options = {
        "id_field": "MsgRef",
        "status_field": "st",
        "number_field": "msisdn",
        "time_field": "done",
        "reason_field": "why",
        "delivered_words": "DELIVRD, ok",
        "failed_words": "UNDELIV, expired",
    }
    backend = make_netcore(options=options)

    [good] = backend.parse_webhook(got("msgref=9&st=DELIVRD&msisdn=12&done=1700000000"))
    [bad] = backend.parse_webhook(got("MsgRef=9&st=Expired&why=too+late"))

    assert (good.type, good.external_id, good.at, good.address) == (
        EventType.DELIVERED,
        "9",
        AT,
        "12",
    )
    assert (bad.type, bad.code, bad.description) == (EventType.FAILED, "expired", "too late")


def test_unknown_word_is_a_note_with_its_code():
    [event] = make_netcore().parse_webhook(got("reqid=9&status=DLT_CHAIN"))

    assert (event.type, event.code) == (EventType.UNKNOWN, "dlt_chain")


@pytest.mark.parametrize("call", [got(""), posted(b"[1]"), posted(b"[{}]"), posted(b"{")])
def test_report_about_no_message_is_refused(call):
    with pytest.raises(InvalidWebhook):
        make_netcore().parse_webhook(call)


def test_form_refuses_nonsense_with_advice():
    form = NetcoreSmsForm({"feed_id": "1 2", "id_field": "a b", "entity_id": "x-1"})

    assert form.errors == {
        "feed_id": ["Write the feed's number without spaces."],
        "id_field": ["Write the parameter's name without spaces."],
        "entity_id": ["Write letters and digits only."],
    }


def test_a_report_about_no_message_does_not_cost_the_others_of_its_call():
    body = b'[{"status": "delivered"}, {"reqid": "9", "status": "delivered"}]'

    [event] = make_netcore().parse_webhook(posted(body))

    assert (event.external_id, event.type) == ("9", EventType.DELIVERED)
