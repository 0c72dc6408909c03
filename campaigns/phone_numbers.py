"""E.164 for millions of numbers: the common way of writing is judged without a full parse.

`omnichannel.addresses.clean_phone` decides whatever is unusual; both agree on the rest.
"""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, country_code_for_region

from omnichannel.addresses import clean_phone

_FILLERS = str.maketrans("", "", " -().\u00a0")


@cache
def _plan(calling_code: int) -> tuple[frozenset[int], re.Pattern[str]]:
    """Lengths of a whole national number, and how one that needs a parse begins."""
    region = COUNTRY_CODE_TO_REGION_CODE[calling_code][0]
    data = PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region)
    if data is None or data.general_desc is None:
        return frozenset(), re.compile("")
    prefixes = [data.national_prefix_for_parsing, data.international_prefix, str(calling_code)]
    begins = "|".join(f"(?:{prefix})" for prefix in prefixes if prefix)
    return frozenset(data.general_desc.possible_length), re.compile(begins)


@cache
def _calling_code(head: str) -> int:
    """The calling code that begins the three digits, 0 if there is none."""
    for length in (1, 2, 3):
        if head[0] != "0" and int(head[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return int(head[:length])
    return 0


@cache
def _plan_of(head: str) -> tuple[int, frozenset[int], re.Pattern[str]]:
    """For the + and three digits: where the national number begins, and its plan."""
    code = _calling_code(head[1:])
    return (len(str(code)) + 1, *_plan(code)) if code else (0, frozenset(), re.compile(""))


def e164(text: str, region: str) -> str:
    """The number as + and digits. Raises InvalidMessage with the reason."""
    if text[:1] == "+" and text[1:].isdigit() and text.isascii() and len(text) > 4:
        begin, lengths, needs_parse = _plan_of(text[:4])
        if len(text) - begin in lengths and not needs_parse.match(text[begin:]):
            return text
    return _written_otherwise(text, region)


def _written_otherwise(text: str, region: str) -> str:
    bare = text.translate(_FILLERS)
    if not bare.isascii():
        return clean_phone(text, region)
    if bare[:1] == "+":
        digits = bare[1:]
        code = _calling_code(digits[:3]) if digits.isdigit() else 0
        national = digits[len(str(code)) :]
    else:
        code = country_code_for_region(region) if region and bare.isdigit() else 0
        national = bare
    if not code:
        return clean_phone(text, region)
    lengths, needs_parse = _plan(code)
    if len(national) not in lengths or needs_parse.match(national):
        return clean_phone(text, region)
    return f"+{code}{national}"
