from __future__ import annotations

import datetime
import email
from email import policy
from email.header import decode_header, make_header
from email.utils import parseaddr

from hypothesis import example, given, settings
from hypothesis import strategies as st

from omnichannel.backends import mime
from omnichannel.backends.base import Attachment
from tests.factories_outgoing import make_config, make_outgoing

AT = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)
# The standard parser folds runs of spaces within a name.
NAME = LINE.map(lambda text: " ".join(text[:90].split())).filter(bool)
LONG_LINES = st.builds(lambda text, times: text * times, TEXT, st.integers(1, 40))


def build(**values):
    return mime.build(make_outgoing(**values), make_config(), AT)


def parse(data: bytes):
    return email.message_from_bytes(data, policy=policy.SMTP)


def content(part) -> str:
    return part.get_payload(decode=True).decode()


def unified(text: str) -> str:
    """Line ends as they are on the wire, a last one always."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return text.removesuffix("\r\n")


@settings(max_examples=40, deadline=None)
@given(text=LONG_LINES, html=LONG_LINES)
def test_both_bodies_come_back_as_they_were(text, html):
    parsed = parse(build(text=text + "t", html=html + "h"))

    plain, rich = parsed.iter_parts()
    assert unified(content(plain)) == unified(text + "t")
    assert unified(content(rich)) == unified(html + "h")


@settings(max_examples=40, deadline=None)
@given(text=LONG_LINES, subject=LINE)
def test_every_line_is_short_ascii_and_ends_with_crlf(text, subject):
    data = build(text=text, html=text, subject=subject, attachments=(Attachment("a", b"x" * 500),))

    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")
    assert max(map(len, data.split(b"\r\n"))) <= 100
    assert b"\n." not in data


@settings(max_examples=40, deadline=None)
@given(subject=LINE, name=NAME)
def test_subject_and_sender_name_come_back_as_they_were(subject, name):
    data = build(subject=subject, from_address="a@example.com", from_name=name)

    headers = email.message_from_bytes(data)
    shown, address = parseaddr(headers["From"])
    assert str(make_header(decode_header(headers["Subject"]))) == subject
    assert (str(make_header(decode_header(shown))), address) == (name, "a@example.com")


@settings(max_examples=40, deadline=None)
@given(name=NAME, data=st.binary(max_size=2000))
def test_attachments_come_back_as_they_were(name, data):
    parsed = parse(build(attachments=(Attachment(name, data, "image/png"),)))

    (part,) = parsed.iter_attachments()
    assert part.get_payload(decode=True) == data
    assert part.get_filename() == name
    assert part.get_content_type() == "image/png"


def test_content_that_looks_like_a_boundary_stays_content():
    message = make_outgoing(text="placeholder")
    first = mime.build(message, make_config(), AT)
    boundary = parse(first).get_boundary()

    parsed = parse(build(key=message.key, text=f"--{boundary}--\r\n"))

    assert len(list(parsed.iter_parts())) == 2


def test_content_type_that_is_none_becomes_bytes():
    parsed = parse(build(attachments=(Attachment("a.bin", b"x", "text/plain; evil=1"),)))

    (part,) = parsed.iter_attachments()
    assert part.get_content_type() == "application/octet-stream"


def test_message_without_html_is_plain_text():
    parsed = parse(build(html="", text="Only text"))

    assert parsed.get_content_type() == "text/plain"
    assert parsed.get_content() == "Only text\r\n"


def test_long_custom_header_stays_readable():
    value = "<https://example.com/u/" + "x" * 300 + ">"

    parsed = parse(build(headers={"List-Unsubscribe": value}))

    assert parsed["List-Unsubscribe"] == value


def test_same_message_has_the_same_bytes_in_every_attempt():
    message = make_outgoing(attachments=(Attachment("a", b"1"),))

    assert mime.build(message, make_config(), AT) == mime.build(message, make_config(), AT)


@settings(max_examples=60, deadline=None)
@given(text=st.text("ab.=\n\u00e9 ", max_size=500).map(lambda text: text * 3))
@example(text="=aaaaaaaaaa\u00e9\u00e9" * 3)
def test_no_line_begins_with_a_dot_and_none_is_too_long(text):
    data = build(html="", text=text + ".")

    assert b"\n." not in data
    assert unified(content(parse(data))) == unified(text + ".")
    assert all(len(line) <= 76 for line in parse(data).get_payload().splitlines())


PIECES = st.lists(st.one_of(TEXT, LONG_LINES, st.text("=. \t\nab", max_size=200)), max_size=12)


@settings(max_examples=120, deadline=None)
@given(pieces=PIECES)
def test_a_body_built_from_pieces_comes_back_as_it_was(pieces):
    html = "".join(pieces) + "h"

    data = build(html=html, html_pieces=(*pieces, "h"))

    rich = list(parse(data).iter_parts())[-1]
    assert unified(content(rich)) == unified(html)
    assert all(len(line) <= 76 for line in rich.get_payload().splitlines())


def test_a_constant_piece_is_encoded_once(monkeypatch):
    constant = "<p>" + "made to last " * 40 + "</p>"
    encoded = []
    quoted = mime._quoted
    monkeypatch.setattr(mime, "_quoted", lambda piece: encoded.append(piece) or quoted(piece))

    for name in ("Ann", "Ben", "Cid"):
        build(html=f"Dear {name}{constant}", html_pieces=("Dear ", name, constant))

    assert encoded.count(constant) == 1


def test_encoded_pieces_are_bounded_in_memory():
    pieces = mime.Pieces(10_000)

    for number in range(1_000):
        assert pieces[f"{number} = a value"] == f"{number} =3D a value".encode()

    assert len(pieces) <= 10_000 / mime.ENTRY_SIZE
