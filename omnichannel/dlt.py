"""India's register of SMS texts (DLT): is a message what was registered for its template?

A registered text has `{#var#}` where up to 30 characters of any kind may stand.
"""

from __future__ import annotations

import re
from functools import lru_cache

from omnichannel.exceptions import DltMismatch, TemplateError
from omnichannel.models import TemplateVersion

VARIABLE = "{#var#}"
ROOM = 30  # characters
LONGEST = 2_000  # of a registered text
PLACE = re.compile(r"\{#[^{}]*#\}")
TEMPLATE_ID = re.compile(r"[0-9]{10,30}")
HEADER = re.compile(r"[A-Za-z0-9]{3,11}")
COINCIDENCE = 2  # characters that may be found behind a variable without meaning anything
QUOTED = 20  # characters of a text in an error


def check_registration(version: TemplateVersion) -> None:
    """Are the version's own ids and text possible ones? Raises TemplateError."""
    if version.dlt_template_id and not TEMPLATE_ID.fullmatch(version.dlt_template_id):
        raise _in("dlt_template_id", "Write the digits of the ID, usually 19 of them.")
    if version.dlt_header and not HEADER.fullmatch(version.dlt_header):
        raise _in("dlt_header", "Write the 3 to 11 letters and digits of the header alone.")
    text = version.dlt_text
    if len(text) > LONGEST:
        raise _in("dlt_text", f"Write at most {LONGEST:,} characters.")
    for found in PLACE.finditer(text):
        if found[0] != VARIABLE:
            raise _in("dlt_text", f"“{found[0]}” is not known: write {VARIABLE} for each variable.")


def check_text(version: TemplateVersion, text: str, *, is_secret: bool = False) -> None:
    """Raises DltMismatch, which names the first character that deviates.

    `is_secret`: nothing of the text is quoted.
    """
    if version.dlt_text:
        deviation = deviation_of(text, version.dlt_text, quoted=0 if is_secret else QUOTED)
        if deviation:
            raise DltMismatch(f"It deviates from the DLT registered text {deviation}")


def check_sample(version: TemplateVersion, text: str) -> None:
    """The same for the text with the sample variables. Raises TemplateError."""
    try:
        check_text(version, text)
    except DltMismatch as error:
        raise _in("text", f"With the sample variables: {error}") from error


def deviation_of(text: str, registered: str, *, quoted: int = QUOTED) -> str:
    """Where the text leaves the registered one, in words; empty when it does not.

    The plain way to read it is tried first, then all of them at once: bit N of `ends` says that
    what was matched so far can end before character N. So the time grows with the lengths only.
    """
    pieces = _pieces(registered)
    if _is_plainly(text, pieces):
        return ""
    longest = sum(ROOM if piece is None else len(piece) for piece in pieces)
    text = text[: longest + 1]  # no more can be matched
    places = _places(text)
    everywhere = (2 << len(text)) - 1
    ends, before = 1, None  # `before`: what `ends` was before the variable that was just passed
    for piece in pieces:
        if piece is None:
            before = ends if before is None else before
            ends = _moved_on(ends) & everywhere
            continue
        for number, char in enumerate(piece):
            matched = (ends & places.get(char, 0)) << 1
            if not matched and before is not None and number < COINCIDENCE:
                return _told(text, before, quoted, _never(piece))
            if not matched:
                return _told(text, ends, quoted, f"there should be “{char}”.")
            ends = matched
        before = None
    if ends >> len(text):
        return ""
    return _told(text, ends, quoted, "there should be nothing more.")


@lru_cache(maxsize=200)
def _pieces(registered: str) -> tuple[str | None, ...]:
    """The constant texts, with None for each variable."""
    pieces: list[str | None] = []
    for number, constant in enumerate(registered.split(VARIABLE)):
        if number:
            pieces.append(None)
        if constant:
            pieces.append(constant)
    return tuple(pieces)


def _is_plainly(text: str, pieces: tuple[str | None, ...]) -> bool:
    """Each constant text stands where it is found first. It may be registered all the same."""
    at = room = 0
    for piece in pieces:
        if piece is None:
            room += ROOM
            continue
        found = text.find(piece, at, at + room + len(piece))
        if found < 0:
            return False
        at, room = found + len(piece), 0
    return len(text) - at <= room


def _places(text: str) -> dict[str, int]:
    """For each character, the bits of the places where it stands."""
    places: dict[str, int] = {}
    for number, char in enumerate(text):
        places[char] = places.get(char, 0) | 1 << number
    return places


def _moved_on(ends: int) -> int:
    """By up to ROOM characters."""
    moved = 0
    while moved < ROOM:
        step = min(moved + 1, ROOM - moved)
        ends |= ends << step
        moved += step
    return ends


def _never(piece: str) -> str:
    return f"no “{piece[:QUOTED]}” follows within the {ROOM} characters of {VARIABLE}."


def _told(text: str, ends: int, quoted: int, wanted: str) -> str:
    at = ends.bit_length() - 1
    rest = text[at : at + quoted]
    if at == len(text):
        return f"at its end, after {at} characters: {wanted}"
    return f"at character {at + 1}{f' (“{rest}”)' if rest else ''}: {wanted}"


def _in(part: str, text: str) -> TemplateError:
    error = TemplateError(text)
    error.part = part
    return error
