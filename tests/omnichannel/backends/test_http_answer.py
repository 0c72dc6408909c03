"""HTTP answers as they come from the wire."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.backends.http_answer import ALLOWANCE, AnswerReader, BadAnswer

PLAIN = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: 1\r\nContent-Length: 5\r\n\r\nHello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n"
)
TRAILED = CHUNKED[:-2] + b"X-Sum: 1\r\n\r\n"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN


def read(data: bytes, cuts=()) -> AnswerReader:
    reader = AnswerReader()
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        reader.feed(data[start:end])
    return reader


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, TRAILED, EARLY])
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_answer_is_the_same_however_it_is_cut(data, cuts):
    reader = read(data, cuts)

    assert reader.is_done
    assert reader.answer().body == b"Hello"
    assert reader.answer().is_whole


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, TRAILED, EARLY])
def test_answer_is_not_done_before_its_last_byte(data):
    assert not read(data[:-1]).is_done


@pytest.mark.parametrize(
    ("head", "is_kept"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_connection_is_kept_as_the_server_says(head, is_kept):
    reader = read(head + b"Content-Length: 0\r\n\r\n")

    assert reader.is_done
    assert reader.is_kept is is_kept


def test_more_than_was_announced_ends_the_connection():
    reader = read(PLAIN + b"HTTP/1.1 200 OK\r\n")

    assert reader.is_done
    assert not reader.is_kept


def test_body_without_a_length_ends_with_the_connection():
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nHello")

    assert not reader.is_done
    reader.ended()
    assert reader.is_done
    assert reader.answer().body == b"Hello"


@pytest.mark.parametrize("data", [PLAIN[:-1], CHUNKED[:-1]])
def test_cut_body_is_told_as_such(data):
    reader = read(data)

    reader.ended()

    assert not reader.is_done
    assert not reader.answer().is_whole


@pytest.mark.parametrize("status", [204, 304])
def test_answer_without_a_body_is_done_at_once(status):
    assert read(b"HTTP/1.1 %d X\r\n\r\n" % status).is_done


def test_repeated_and_folded_headers_are_joined():
    reader = read(b"HTTP/1.1 204 X\r\nA: 1\r\na: 2\r\nB: x\r\n  y\r\n\r\n")

    assert reader.answer().headers == {"a": "1, 2", "b": "x y"}


@pytest.mark.parametrize(
    "data",
    [
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"X" * (ALLOWANCE + 1),
    ],
)
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(BadAnswer):
        read(data)
