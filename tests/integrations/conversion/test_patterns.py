from __future__ import annotations

import time

import pytest

from integrations.conversion.patterns import check_pattern, matches
from integrations.exceptions import RuleInvalid


def test_a_pattern_looks_at_the_name():
    assert matches(r"^orders.*\.edi$", "name", name="orders-1.edi")
    assert not matches(r"^orders.*\.edi$", "name", name="invoice.edi")


def test_a_pattern_looks_at_the_content():
    assert matches(r"UNH\+\d+\+ORDERS", "content", content=b"UNB+UNOC:3'UNH+1+ORDERS:D'")
    assert matches("Größe", "content", content="Größe".encode("latin-1"))


def test_a_pattern_looks_at_one_attribute():
    attributes = {"AS2-From": "PARTNER"}

    assert matches("as2-from==^PART", "attribute", attributes=attributes)
    assert not matches("subject==.*", "attribute", attributes=attributes)


def test_no_pattern_matches_everything():
    assert matches("", "name", name="x")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?=a)b", "Look-around"),
        ("(?<!a)b", "Look-around"),
        (r"(a)\1", "Back-references"),
        ("(?P<n>a)(?P=n)", "Back-references"),
        ("(a", "missing"),
        ("a**", "repetition"),
        ("a{5000}", "repetition"),
        ("((a{100}){100}){100}", "cannot be used"),
        ("a" * 1001, "characters"),
    ],
)
def test_what_re2_does_not_have_is_told(pattern, said):
    with pytest.raises(RuleInvalid, match=said):
        check_pattern(pattern)


@pytest.mark.parametrize(("pattern", "source"), [("no equals", "attribute"), ("a", "header")])
def test_an_attribute_needs_its_key_and_a_source_must_exist(pattern, source):
    with pytest.raises(RuleInvalid):
        check_pattern(pattern, source)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)+$", "(.*a){20}$"])
def test_a_trap_takes_no_time(pattern):
    content = b"a" * 100_000 + b"!"
    start = time.process_time()

    assert not matches(pattern, "content", content=content)
    assert time.process_time() - start < 1
