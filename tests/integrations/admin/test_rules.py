from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from integrations.choices import Operation
from integrations.models import ConversionRule, EnvelopeEvent, ValidationFile
from tests.factories_integrations import (
    make_integration,
    make_mailbox,
    make_rule,
    make_transmission,
)
from tests.integrations.admin.posted import PLACE, RULE, SUBMITTED, client_with

pytestmark = pytest.mark.django_db
RULES = f"{PLACE}/conversionrule"
NOT_RUN = "Run the rule against an example first"
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="text"/></xs:schema>"""


@pytest.fixture
def box():
    return make_mailbox()


def example(data=b"hello", name="a.txt"):
    return SimpleUploadedFile(name, data)


def data_of(box, **values):
    return {**RULE, "level": f"m:{box.pk}", **values}


def run(client, box, **values):
    values.setdefault("example_file", example())
    answer = client.post(f"{RULES}/run/", data_of(box, **values))
    assert answer.status_code == 200
    return json.loads(answer.content)


def save(client, box, where="add", **values):
    return client.post(f"{RULES}/{where}/", data_of(box, **values))


def errors_of(answer):
    return answer.context["adminform"].form.errors


def test_rule_is_not_saved_before_a_run_succeeded(admin_client, box):
    answer = save(admin_client, box)

    assert NOT_RUN in str(errors_of(answer))
    assert not ConversionRule.objects.exists()


def test_rule_is_saved_as_it_was_run(admin_client, box):
    ran = run(admin_client, box)

    save(admin_client, box, run_token=ran["token"], example_file=example())

    rule = ConversionRule.objects.get()
    assert (rule.mailbox, rule.account, rule.active) == (box, box.account, False)
    assert (rule.example_name, rule.example.size) == ("a.txt", 5)
    assert EnvelopeEvent.objects.filter(operation=Operation.CREATED, rule_id=rule.pk).exists()


@pytest.mark.parametrize(
    "change",
    [{"matching_pattern": "other"}, {"engine": "xslt"}, {"multiple_envelopes": "on"}],
)
def test_what_was_changed_after_the_run_is_not_saved(admin_client, box, change):
    ran = run(admin_client, box)

    answer = save(admin_client, box, run_token=ran["token"], **change)

    assert NOT_RUN in str(errors_of(answer))


@pytest.mark.parametrize("token", ["", "0" * 64, "made:up"])
def test_proof_of_a_run_cannot_be_made_up(admin_client, box, token):
    answer = save(admin_client, box, run_token=token)

    assert NOT_RUN in str(errors_of(answer))


def test_saved_rule_needs_a_run_again_once_it_is_edited(admin_client, box):
    ran = run(admin_client, box)
    save(admin_client, box, run_token=ran["token"])
    rule = ConversionRule.objects.get()
    page = f"{rule.pk}/change"

    renamed = save(admin_client, box, page, name="Another name")
    refused = save(admin_client, box, page, matching_pattern="x")

    assert renamed.status_code == 302
    assert NOT_RUN in str(errors_of(refused))
    rule.refresh_from_db()
    assert (rule.name, rule.matching_pattern) == ("Another name", r"\.txt$")


def test_run_tells_what_is_wrong_and_where(admin_client, box):
    body = '{\n  "subject": \n}'

    answer = run(admin_client, box, engine="fieldmap", body=body)

    assert answer["error"]
    assert answer["line"] == 3
    assert "token" not in answer


def test_run_changes_nothing(admin_client, box):
    rule = make_rule(box, name="Kept", matching_pattern="kept")

    run(admin_client, box, rule=rule.pk, name="Other", matching_pattern="other")

    rule.refresh_from_db()
    assert (rule.name, rule.matching_pattern) == ("Kept", "kept")
    assert not EnvelopeEvent.objects.exists()


def test_run_without_an_example_asks_for_one(admin_client, box):
    answer = run(admin_client, box, example_file="")

    assert "Upload an example" in answer["error"]


def test_run_needs_its_permission(box):
    client = client_with("add_conversionrule", "change_conversionrule", "view_conversionrule")

    assert client.post(f"{RULES}/run/", data_of(box)).status_code == 403


def test_example_may_be_a_document_that_came(admin_client, box):
    came = make_transmission(make_integration(box), b"it came", filename="came.txt")

    ran = run(admin_client, box, example_file="", example_from=came.pk)
    save(admin_client, box, run_token=ran["token"], example_from=came.pk)

    rule = ConversionRule.objects.get()
    assert (rule.example, rule.example_name) == (came.blob, "came.txt")


def test_document_that_came_is_not_for_who_may_not_download(box):
    came = make_transmission(make_integration(box), b"it came", filename="came.txt")
    client = client_with("add_conversionrule", "view_conversionrule", "execute_rule")

    answer = run(client, box, example_file="", example_from=came.pk)

    assert "Upload an example" in answer["error"]
    assert "came.txt" not in client.get(f"{RULES}/add/").text


def test_starting_map_and_view_are_made_of_the_example(admin_client, box):
    csv = b"sku;qty\nA-1;3\n"

    started = admin_client.post(
        f"{RULES}/start/", data_of(box, example_file=example(csv, "o.csv"))
    ).json()
    seen = admin_client.post(
        f"{RULES}/view/", data_of(box, example_file=example(csv, "o.csv"))
    ).json()

    assert "subject" in json.loads(started["body"])
    assert "<" in seen["text"]


def test_in_rule_runs_against_an_envelope_of_its_template(admin_client, box):
    answer = run(
        admin_client,
        box,
        direction="in",
        target="remote",
        engine="fieldmap",
        output="json",
        body='{"root": "order", "fields": {"subject": "subject"}}',
        naming_pattern="order-{randomNumber}.json",
        example_file="",
    )

    assert answer["filename"].startswith("order-")
    assert "Sample envelope" in answer["text"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"matching_pattern": "(?=x)"}, "matching_pattern"),
        ({"direction": "in", "target": "envelope"}, "target"),
        ({"direction": "in", "target": "remote", "naming_pattern": ""}, "naming_pattern"),
        ({"target": "event"}, "option"),
        ({"level": "m:999"}, "level"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(admin_client, box, values, field):
    answer = save(admin_client, box, **values)

    assert field in errors_of(answer)


def test_bad_naming_pattern_is_told_once(admin_client, box):
    values = {"direction": "in", "target": "remote", "naming_pattern": "a/b"}

    answer = save(admin_client, box, **values)

    assert len(errors_of(answer)["naming_pattern"]) == 1


def test_validation_files_are_kept_with_the_rule(admin_client, box):
    ran = run(admin_client, box, new_files=example(XSD.encode(), "text.xsd"))

    save(admin_client, box, run_token=ran["token"], new_files=example(XSD.encode(), "text.xsd"))

    assert ValidationFile.objects.get().filename == "text.xsd"
    refused = save(admin_client, box, f"{ConversionRule.objects.get().pk}/change")
    assert NOT_RUN in str(errors_of(refused))


def test_validation_file_of_another_kind_is_refused(admin_client, box):
    answer = save(admin_client, box, new_files=example(b"x", "a.exe"))

    assert "new_files" in errors_of(answer)


def test_clone_is_off_and_last(admin_client, box):
    rule = make_rule(box, name="Orders")

    admin_client.post(reverse("admin:integrations_conversionrule_clone", args=[rule.pk]), SUBMITTED)

    copy = ConversionRule.objects.exclude(pk=rule.pk).get()
    assert (copy.name, copy.active) == ("Orders (copy)", False)
    assert copy.position > rule.position


def test_order_of_the_list_is_posted(admin_client, box):
    first, second, third = (make_rule(box) for _ in range(3))
    ids = f"{third.pk},{first.pk},{second.pk}"

    answer = admin_client.post(f"{RULES}/order/", {"ids": ids})

    assert answer.status_code == 200
    ordered = ConversionRule.objects.order_by("position").values_list("pk", flat=True)
    assert list(ordered) == [third.pk, first.pk, second.pk]


def test_list_switches_a_rule_but_not_one_that_never_ran(admin_client, box):
    ran = make_rule(box, active=False)
    proof = run(admin_client, box)
    save(admin_client, box, run_token=proof["token"])
    good = ConversionRule.objects.exclude(pk=ran.pk).get()

    refused = admin_client.post(f"{RULES}/{ran.pk}/switch/", {"on": "1"})
    done = admin_client.post(f"{RULES}/{good.pk}/switch/", {"on": "1"})

    assert refused.status_code == 409
    assert done.status_code == 200
    good.refresh_from_db()
    assert good.active


@pytest.mark.parametrize("what", ["order/", "{}/switch/"])
def test_lists_are_changed_with_permission_and_by_post_only(admin_client, box, what):
    rule = make_rule(box)
    url = f"{RULES}/{what.format(rule.pk)}"

    assert admin_client.get(url).status_code == 405
    assert client_with("view_conversionrule").post(url).status_code == 403


def test_deleting_a_rule_is_in_the_trail(admin_client, box):
    rule = make_rule(box)

    admin_client.post(f"{RULES}/{rule.pk}/delete/", {"post": "yes"})

    assert EnvelopeEvent.objects.get(operation=Operation.DELETED).rule_id == rule.pk


ANSWER = {
    "direction": "in",
    "target": "remote",
    "engine": "fieldmap",
    "output": "json",
    "body": '{"root": "order", "fields": {"subject": "subject"}}',
    "naming_pattern": "order-{randomNumber}.json",
    "example_file": "",
    "attributes": '{"ORDER": "/envelope/subject", "SHOP": "Example"}',
    "send_zip": "on",
    "left_out": ["a", "c"],
}


def test_in_rule_keeps_its_attributes_and_what_the_archive_leaves_out(admin_client, box):
    ran = run(admin_client, box, **ANSWER)

    save(admin_client, box, run_token=ran["token"], **ANSWER)

    rule = ConversionRule.objects.get()
    assert rule.attributes == {"ORDER": "/envelope/subject", "SHOP": "Example"}
    assert (rule.send_zip, rule.zip_exclude) == (True, "ac")


@pytest.mark.parametrize("attributes", ['{"A": 1}', '["A"]', '{"A": {"B": "C"}}'])
def test_attributes_are_names_with_texts(admin_client, box, attributes):
    answer = save(admin_client, box, **{**ANSWER, "attributes": attributes})

    assert "attributes" in errors_of(answer)
