"""Whatever is answered, a backend has a result or an error of sending: nothing else may happen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.backends.base import Result
from omnichannel.backends.falconide import Falconide
from omnichannel.backends.generic_http import GenericHttp
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.netcore_sms import NetcoreSms
from omnichannel.backends.pepipost import Pepipost
from omnichannel.exceptions import SendError
from tests.factories_outgoing import make_config, make_outgoing
from tests.omnichannel.backends.test_generic_http import BY_CODE
from tests.omnichannel.backends.test_webhook_noise import LEAVES

URL = "http://127.0.0.1:9"
MAIL, SMS = make_outgoing(), make_outgoing(to="+12025550143")
JUDGES = {
    "pepipost": Pepipost(make_config(service_url=URL)).pack(MAIL)[1],
    "falconide": Falconide(make_config(service_url=URL)).pack(MAIL)[1],
    "netcore-sms": NetcoreSms(make_config(service_url=URL)).pack(SMS)[1],
    "generic-http": GenericHttp(
        make_config(service_url=URL, options={**BY_CODE, "id_path": "data.message_id"})
    ).pack(MAIL)[1],
}
EVERY = pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
NAMES = st.sampled_from(
    ["status", "message", "data", "message_id", "errorcode", "errormessage", "result", "ok"]
)
SAID = st.recursive(
    LEAVES | st.just("success"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)
STATUSES = st.sampled_from([200, 201, 202, 204, 299, 302, 400, 401, 418, 429, 500])
MARKS = "<MID/> <ERROR> </ERROR> <CODE> </CODE> </RESULT> &lt; &a; \0 x"
TAGS = st.sampled_from(["<RESULT REQID='1'>", "<!DOCTYPE a>", *MARKS.split(" ")])


def assert_judged(judge, answer):
    try:
        result = judge(answer)
    except SendError:
        return
    assert isinstance(result, Result)
    assert len(result.external_id) <= 255
    assert "\0" not in result.external_id
    result.external_id.encode()


@EVERY
@given(status=STATUSES, body=st.binary(max_size=300), is_whole=st.booleans())
def test_any_bytes(judge, status, body, is_whole):
    assert_judged(judge, Answer(status, body=body, is_whole=is_whole))


@EVERY
@given(status=STATUSES, said=SAID)
def test_any_json(judge, status, said):
    assert_judged(judge, Answer(status, body=json.dumps(said).encode()))


@EVERY
@given(tags=st.lists(TAGS, max_size=12))
def test_any_xml(judge, tags):
    assert_judged(judge, Answer(200, body="".join(tags).encode()))
