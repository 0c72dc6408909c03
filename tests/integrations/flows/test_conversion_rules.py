from __future__ import annotations

from pathlib import Path

import pytest

from integrations import blobs, converting, executing, rules
from integrations.choices import Direction, Engine, LogStatus, Operation, OutputFormat
from integrations.delivering import deliver_due
from integrations.exceptions import ConversionFailed, RuleInvalid
from integrations.models import (
    ConversionLog,
    ConversionRule,
    DocumentTemplate,
    Envelope,
    EnvelopeEvent,
    FolderFile,
    Transmission,
    ValidationFile,
)
from integrations.processing import process_due
from tests.factories_integrations import make_rule
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples" / "integrations"
EDI = (EXAMPLES / "orders.edi").read_bytes()
MAP = (EXAMPLES / "orders-fieldmap.json").read_text()


def unsaved(partner, **fields):
    values = {
        "account": partner.mailbox.account,
        "mailbox": partner.mailbox,
        "direction": Direction.OUT,
        "name": "Orders",
        "engine": Engine.FIELD_MAP,
        "body": MAP,
        "document_type": "ORDERS",
    }
    return ConversionRule(**{**values, **fields})


def run(rule, files=()):
    return executing.execute(rule, files, EDI, "orders.edi", at=NOW)


@pytest.fixture
def saved(partner):
    rule = unsaved(partner)
    rules.save(rule, [], ran=run(rule).digest, by=None, at=NOW)
    rules.switch(rule, True, by=None, at=NOW)
    return rule


def test_edifact_becomes_an_envelope_and_the_answer_edifact_again(
    saved, drop, house, house_integration
):
    integration = house_integration()
    make_rule(
        house,
        direction=Direction.IN,
        engine=Engine.FIELD_MAP,
        body=(EXAMPLES / "ordrsp-fieldmap.json").read_text(),
        output=OutputFormat.EDIFACT,
        naming_pattern='ordrsp-{"order":"order_number"}.edi',
    )
    drop(EDI, "orders.edi")

    process_due(NOW)
    deliver_due(NOW)

    envelope = Envelope.objects.get()
    number = envelope.fields["order_number"]
    assert envelope.subject == f"Order {number}"
    assert len(envelope.tables["lines"]) == 3
    assert envelope.documents.get().blob == Transmission.objects.get(is_incoming=True).blob
    file = FolderFile.objects.get(integration=integration)
    assert file.name == f"ordrsp-{number}.edi"
    assert b"ORDRSP:D:96A:UN" in blobs.read(file.blob)
    log = ConversionLog.objects.get(delivery=None)
    assert (log.rule, log.status, log.output) == (saved, LogStatus.PROCESSED, envelope_native(log))


def envelope_native(log):
    assert blobs.read(log.output).startswith(b"<")
    return log.output


def test_run_has_no_effect_but_its_answer(partner):
    done = run(unsaved(partner))

    assert done.is_good
    assert b"<subject>Order" in done.result
    assert not Envelope.objects.exists()
    assert not ConversionLog.objects.exists()


def test_run_that_fails_says_where_and_gives_no_digest(partner):
    done = run(unsaved(partner, engine=Engine.XSLT, body="<xsl:nonsense/>"))

    assert not done.is_good
    assert done.messages[0].is_error


def test_rule_cannot_be_saved_before_a_run(partner):
    with pytest.raises(RuleInvalid, match="Run the rule"):
        rules.save(unsaved(partner), [], ran="", by=None, at=NOW)


@pytest.mark.parametrize(
    "change", [{"body": MAP + " "}, {"matching_pattern": "x"}, {"engine": Engine.PASS}]
)
def test_rule_that_was_edited_needs_another_run(saved, change):
    for name, value in change.items():
        setattr(saved, name, value)

    with pytest.raises(RuleInvalid, match="Run the rule"):
        rules.save(saved, [], ran="", by=None, at=NOW)


def test_another_validation_file_needs_another_run(saved):
    schema = ValidationFile(kind="xsd", filename="a.xsd", content="<x/>")

    with pytest.raises(RuleInvalid, match="Run the rule"):
        rules.save(saved, [schema], ran="", by=None, at=NOW)


def test_name_position_and_switch_need_no_run(saved):
    saved.name = "Orders of Northwind"
    rules.save(saved, [], ran="", by=None, at=NOW)

    assert rules.switch(saved, False, by=None, at=NOW)
    assert not rules.switch(saved, False, by=None, at=NOW)


def test_pattern_that_re2_does_not_have_cannot_be_saved(partner):
    rule = unsaved(partner, matching_pattern="(?=x)")

    with pytest.raises(RuleInvalid, match="Look-around"):
        rules.save(rule, [], ran=executing.digest_of(rule, []), by=None, at=NOW)


def test_clone_is_off_last_and_keeps_its_run(saved, partner):
    last = make_rule(partner.mailbox, position=7)
    make_file = ValidationFile.objects.create
    make_file(rule=last, kind="xsd", filename="a.xsd", content="<x/>")

    copy = rules.clone(last, by=None, at=NOW)

    assert (copy.active, copy.position, copy.ok_count) == (False, 8, 0)
    assert copy.name.endswith(" (copy)")
    assert copy.verified_digest == last.verified_digest
    assert copy.key != last.key
    assert copy.validation_files.get().filename == "a.xsd"


def test_rules_are_put_into_the_order_of_a_list(partner):
    made = [make_rule(partner.mailbox, position=place) for place in (3, 5, 9)]

    rules.order([made[2].pk, made[0].pk, made[1].pk], by=None, at=NOW)

    for rule in made:
        rule.refresh_from_db()
    assert [rule.position for rule in made] == [5, 9, 3]


def test_rule_moves_up_and_not_beyond_the_top(partner):
    first, second = (make_rule(partner.mailbox, position=place) for place in (1, 2))

    rules.move(second, -1, by=None, at=NOW)
    rules.move(second, -1, by=None, at=NOW)

    ordered = ConversionRule.objects.order_by("position")
    assert list(ordered) == [second, first]


def test_deleted_rule_leaves_its_log_and_an_entry(saved, drop):
    drop(EDI, "orders.edi")
    process_due(NOW)

    rules.delete(saved, by=None, at=NOW)

    assert ConversionLog.objects.get().rule_name == "Orders"
    assert EnvelopeEvent.objects.filter(operation=Operation.DELETED, text="Rule Orders").exists()


def test_example_of_a_template_fits_its_own_fields(account):
    template = DocumentTemplate.objects.create(account=account, name="Order")
    fields = [
        {"name": "number", "type": "number"},
        {"name": "sku", "type": "text", "table": "lines"},
    ]
    version = template.versions.create(number=1, fields=fields)

    example = executing.example_of(version)

    assert b'<field name="number">42</field>' in example
    assert example.count(b"<row>") == 2


def test_busy_conversion_is_tried_again_and_counts_as_no_failure(saved, drop, monkeypatch):
    def busy(*_):
        raise ConversionFailed("Too many conversions run.", "busy")

    row = drop(EDI, "orders.edi")
    monkeypatch.setattr(converting, "convert", busy)
    process_due(NOW)
    monkeypatch.undo()

    assert process_due(NOW + minutes(0.5)) == 0
    process_due(NOW + minutes(2))

    row.refresh_from_db()
    assert (row.status, row.attempts) == ("done", 1)
