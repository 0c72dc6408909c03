"""Answers to calls that went well are as the schema says: those of the contract test find no
provider, and so are refused.
"""

from __future__ import annotations

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.otp.api.conftest import EMAIL, MOBILE, ROUTE

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture
def fits(schema):
    """Each value of an answer is of the type that the schema says, and none is missing."""

    def fits(answer, address, method="post"):
        responses = schema["paths"][f"{ROUTE}{address}/"][method]["responses"]
        (content,) = responses[str(answer.status_code)]["content"].values()
        _, _, name = content["schema"]["$ref"].rpartition("/")
        shape = schema["components"]["schemas"][name]
        data = answer.json()
        assert data.keys() == shape["properties"].keys() == set(shape["required"])
        for field, value in data.items():
            kind = shape["properties"][field]
            if value is None:
                assert kind.get("nullable"), field
            else:
                jsonschema.validate(value, {**kind, "components": schema["components"]})
        return True

    return fits


def test_answers_have_the_shapes_of_the_schema(shop, fits):
    sent = shop.ask(mobile=MOBILE, email=EMAIL)
    request_id = sent.json()["sms"]["request_id"]
    other_id = sent.json()["email"]["request_id"]

    def check(code):
        return shop.post("verify", request_id=request_id, code=code)

    assert fits(sent, "send")
    assert fits(shop.ask(mobile="+447700900124"), "send")
    assert fits(shop.api.get(f"{ROUTE}{request_id}/"), "{request_id}", "get")
    assert fits(check(shop.wrong(0)), "verify")
    assert fits(check(shop.code(0)), "verify")
    assert fits(shop.api.get(f"{ROUTE}{request_id}/"), "{request_id}", "get")
    shop.later(minutes=1)
    assert fits(shop.post("resend", request_id=other_id), "resend")
    assert fits(shop.post("cancel", request_id=other_id), "cancel")
    assert fits(shop.post("cancel", request_id="0" * 32), "cancel")
    assert fits(shop.api.get(f"{ROUTE}nothing/"), "{request_id}", "get")


def test_the_example_that_fills_the_form_is_sent(shop, schema):
    body = schema["paths"][f"{ROUTE}send/"]["post"]["requestBody"]["content"]["application/json"]
    (example,) = body["examples"].values()

    answer = shop.post("send", **example["value"])

    assert answer.status_code == 201, answer.content
