from __future__ import annotations

import random

import pytest

from campaigns.import_mapping import Mapping, guess, variable_names
from campaigns.phone_numbers import e164
from omnichannel.addresses import clean_phone
from omnichannel.exceptions import ImportRefused, InvalidMessage
from omnichannel.formulas import escape, unescape


def test_headers_become_names_that_templates_can_use():
    names, notes = variable_names(["First Name", "Größe (cm)", "2nd", "for", "E-mail"])

    assert names == ["first_name", "groe_cm", "column_2nd", "for_value", "e_mail"]
    assert not notes


def test_duplicate_and_empty_headers_get_names_and_a_note():
    names, notes = variable_names(["name", "", "Name", "name"])

    assert names == ["name", "column_2", "name_2", "name_3"]
    assert notes == [
        "Column 2 has no header: it is called column_2.",
        "Column 3 has the same header as another: it is called name_2.",
        "Column 4 has the same header as another: it is called name_3.",
    ]


@pytest.mark.fault(35)
def test_ten_thousand_columns_are_refused():
    with pytest.raises(ImportRefused, match="10,000 columns; 500 is the most"):
        variable_names(["x"] * 10_000)


def test_columns_are_guessed_by_name_and_by_content():
    rows = [["Ana", "ana@example.com", "+12025550101", "no"]]

    mapping = guess(["name", "contact", "mobile", "mail_wanted"], rows)

    assert (mapping.email, mapping.phone, mapping.key) == (1, 2, "email")
    assert mapping.variables == {"name": 0, "mail_wanted": 3}


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        (Mapping(None, None, {"a": 0}, "a"), "which column holds the e-mail"),
        (Mapping(0, None, {}, "phone"), "know duplicates by"),
        (Mapping(0, None, {"First": 1}, "email"), "cannot be a variable"),
        (Mapping(0, None, {"event": 1}, "email"), "the name is taken"),
        (Mapping(0, None, {"phone": 1}, "email"), "the name is taken"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_with_the_reason(mapping, reason):
    with pytest.raises(ImportRefused, match=reason):
        mapping.check()


def _either(call, *values):
    try:
        return call(*values)
    except InvalidMessage:
        return "refused"


def test_the_short_way_judges_phone_numbers_as_the_parser_does():
    pick = random.Random(7)
    regions = ["US", "GB", "RO", "IT", "BR", "AR", "MX", ""]
    for _ in range(3000):
        digits = "".join(pick.choice("0123456789") for _ in range(pick.randint(4, 14)))
        text = pick.choice(["+", "+1", "+44", "+39", "+40", "+54", "", "00"]) + digits
        region = pick.choice(regions)
        assert _either(e164, text, region) == _either(clean_phone, text, region), (text, region)


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+1 (202) 555-0143", "", "+12025550143"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("0044 20 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "", "+442079460958"),
    ],
)
def test_phone_numbers_become_e164(text, region, number):
    assert e164(text, region) == number


@pytest.mark.parametrize("text", ["=1+1", "+4420", "-2", "@a", "\t=1", "\uff1dA1", "'=1", "''+2"])
def test_a_formula_is_made_harmless_and_comes_back(text):
    assert escape(text) == f"'{text}"
    assert unescape(escape(text)) == text


@pytest.mark.parametrize("text", ["O'Neil", "'quoted'", "5+1", "a=b", ""])
def test_other_text_is_left_alone(text):
    assert escape(text) == text
    assert unescape(text) == text
