from __future__ import annotations

import time

import pytest

from integrations.protocols.as2.ber import NOTHING, OCTETS, SEQUENCE, BadBer, Ber, der, head


def pieces_of(*chunks):
    """An octet string in pieces, without a length."""
    return b"\x24\x80" + b"".join(der(OCTETS, chunk) for chunk in chunks) + b"\0\0"


def test_a_string_in_pieces_is_joined():
    reader = Ber(b"\x30\x80" + pieces_of(b"he", b"llo") + b"\0\0")

    reader.enter(SEQUENCE)

    assert bytes(reader.content(OCTETS)) == b"hello"
    assert reader.peek() == NOTHING


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 70_000])
def test_a_length_is_read_as_it_is_written(size):
    reader = Ber(der(OCTETS, bytes(size)))

    assert len(reader.content(OCTETS)) == size


def test_an_element_without_a_length_is_taken_whole():
    encoded = b"\x30\x80" + der(SEQUENCE, b"\5\0") + pieces_of(b"x") + b"\0\0"

    assert Ber(encoded + b"more").element(SEQUENCE) == encoded


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x30",
        b"\x30\x05\x04",
        b"\x30\x80\x04\x01x",
        b"\x30\x89" + b"\xff" * 9,
        b"\x30\x84\xff\xff\xff\xff",
        b"\x04\x80\0\0",
        b"\x30\x80" * 5000,
        b"\x1f\x81\x01\0",
    ],
)
def test_what_is_no_asn_1_is_refused(encoded):
    with pytest.raises(BadBer):
        Ber(encoded).element(encoded[0] if encoded else SEQUENCE)


def test_millions_of_empty_pieces_are_refused_quickly():
    encoded = b"\x24\x80" + b"\4\0" * 3_000_000

    began = time.process_time()
    with pytest.raises(BadBer, match="too many"):
        Ber(encoded).content(OCTETS)

    assert time.process_time() - began < 2


def test_pieces_within_pieces_are_refused():
    with pytest.raises(BadBer):
        Ber(b"\x24\x80" + pieces_of(b"x") + b"\0\0").content(OCTETS)


def test_an_inner_length_does_not_reach_out_of_its_container():
    reader = Ber(head(SEQUENCE, 4) + head(OCTETS, 100) + bytes(100))

    reader.enter(SEQUENCE)

    with pytest.raises(BadBer):
        reader.content(OCTETS)
