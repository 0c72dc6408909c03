"""The recipients of a submission, checked in one pass without a query for each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from omnichannel import copies
from omnichannel.addresses import clean_address, split_addresses
from omnichannel.choices import Category, ChannelType
from omnichannel.copies import MAX_COPIES
from omnichannel.exceptions import InvalidMessage
from omnichannel.json_limits import MAX_DEPTH, too_deep, unstorable
from omnichannel.models import ChannelProvider
from omnichannel.submissions.asked import LONGEST_LANGUAGE, Submission
from omnichannel.submissions.content import RESERVED, Content
from omnichannel.submissions.faults import Faults
from omnichannel.submissions.way import Way

FIELDS = frozenset({"to_address", "cc_addresses", "bcc_addresses", "language", "variables"})
LONGEST_ADDRESS = 320
OWN_NAME = {ChannelType.EMAIL: "email", ChannelType.SMS: "phone"}


@dataclass(slots=True)
class Recipient:
    """One message to be, in stored form."""

    to_address: str
    cc_addresses: str
    bcc_addresses: str
    variables: dict[str, Any]
    provider: ChannelProvider


class Checker:
    """Makes recipients of what came, and names each fault with its place."""

    def __init__(
        self, asked: Submission, way: Way, content: Content, at: datetime.datetime, faults: Faults
    ) -> None:
        self.asked = asked
        self.way = way
        self.content = content
        self.at = at
        self.faults = faults
        self.seen: dict[str, int] = {}
        self.own_name = OWN_NAME.get(ChannelType(way.channel_type), "")

    def all(self) -> list[Recipient]:
        is_storable = not unstorable(self.asked.recipients)
        found = []
        for index, raw in enumerate(self.asked.recipients):
            recipient = self._one(index, raw, is_storable)
            if recipient is not None:
                found.append(recipient)
        return found

    def _one(self, index: int, raw: Any, is_storable: bool) -> Recipient | None:
        if not isinstance(raw, dict):
            self._fault(index, "", "Give an object with a to_address.")
            return None
        if not is_storable and (text := unstorable(raw)):
            self._fault(index, "", text)
            return None
        if not raw.keys() <= FIELDS:
            for name in sorted(raw.keys() - FIELDS):
                self._fault(index, name, "There is no such field.")
        before = len(self.faults.found)
        variables = self._variables(index, raw)
        to = self._address(index, raw.get("to_address") or self._named(variables))
        self._check_variables(index, variables, to)
        cc, bcc = self._with_copies(index, raw, variables, to)
        if len(self.faults.found) > before:
            return None
        provider = self.way.provider_of(to, self.at)
        if provider is None:
            self._fault(index, "to_address", "No default provider serves this country.")
            return None
        return Recipient(to, cc, bcc, variables, provider)

    def _address(self, index: int, text: Any) -> str:
        if not isinstance(text, str) or not text.strip():
            self._fault(index, "to_address", "Give an address.")
            return ""
        address = self._clean(index, "to_address", text)
        first = self.seen.setdefault(address, index)
        if address and first != index:
            self._fault(index, "to_address", f"Recipient {first} has the same address.")
        return address

    def _named(self, variables: Mapping[str, Any]) -> str:
        """Whom the template says that it goes to, where the submission does not."""
        version = self.content.version
        return copies.recipient(version, variables, self.way.channel_type) if version else ""

    def _with_copies(
        self, index: int, raw: dict[str, Any], variables: Mapping[str, Any], to: str
    ) -> copies.Copies:
        """Those that were asked for, and what the template adds; a code has none."""
        asked = copies.Copies(
            self._copies(index, raw, "cc_addresses"), self._copies(index, raw, "bcc_addresses")
        )
        if self.asked.category == Category.OTP:
            for name, text in zip(("cc_addresses", "bcc_addresses"), asked, strict=True):
                if text:
                    self._fault(index, name, copies.NOT_OF_CODES)
            return asked
        version = self.content.version
        if version is None or not copies.adds(version):
            return asked
        found = copies.of(version, variables, to=to, cc=asked.cc, bcc=asked.bcc)
        for name, text in zip(("cc_addresses", "bcc_addresses"), found, strict=True):
            if len(split_addresses(text)) > MAX_COPIES:
                text = f"With those of the template they are more than {MAX_COPIES} addresses."
                self._fault(index, name, text)
        return found

    def _clean(self, index: int, name: str, text: str) -> str:
        try:
            if len(text) > LONGEST_ADDRESS:
                raise InvalidMessage("An address is at most 320 characters long.")
            return clean_address(self.way.channel_type, text, settings.DEFAULT_PHONE_REGION)
        except InvalidMessage as error:
            self._fault(index, name, str(error))
            return ""

    def _copies(self, index: int, raw: dict[str, Any], name: str) -> str:
        given = raw.get(name)
        if given in (None, []):
            return ""
        if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
            self._fault(index, name, "Give a list of addresses.")
        elif self.way.channel_type != ChannelType.EMAIL:
            self._fault(index, name, "Only e-mails have copies.")
        elif len(given) > MAX_COPIES:
            self._fault(index, name, f"At most {MAX_COPIES} addresses.")
        else:
            return "; ".join(self._clean(index, name, part) for part in given)
        return ""

    def _variables(self, index: int, raw: dict[str, Any]) -> dict[str, Any]:
        """The shared ones, the recipient's own, and its language."""
        given, language = raw.get("variables"), raw.get("language")
        if language is not None and not is_language(language):
            self._fault(index, "language", "Give a language such as pt or pt-BR.")
            language = None
        if given is not None and not isinstance(given, dict):
            self._fault(index, "variables", "Give an object.")
            return {}
        variables = {**self.asked.variables, **given} if given else dict(self.asked.variables)
        if given and too_deep(given):
            self._fault(index, "variables", f"They are nested deeper than {MAX_DEPTH} levels.")
        if language:
            variables["language"] = language
        return variables

    def _check_variables(self, index: int, variables: dict[str, Any], to: str) -> None:
        """Are they those that the template needs? The address is one of them."""
        if self.content.version is None:
            return
        for name in RESERVED:
            if name in variables:
                self._fault(index, f"variables.{name}", "This name is the template's own.")
        if self.own_name:
            variables.setdefault(self.own_name, to)
        for name in self.content.missing_from(variables):
            self._fault(index, f"variables.{name}", "The template needs this variable.")

    def _fault(self, index: int, name: str, text: str) -> None:
        self.faults.add(self.asked.path(index, name), text)


def is_language(given: Any) -> bool:
    """It may be written as systems do: pt_BR.UTF-8."""
    return isinstance(given, str) and len(given) <= LONGEST_LANGUAGE


def check_shared(asked: Submission, faults: Faults) -> None:
    """What all recipients share, and their number."""
    for name in ("variables", "channel_provider_params", "extended_properties"):
        value: Mapping[str, Any] = getattr(asked, name)
        if value and (text := unstorable(value)):
            faults.add(name, text)
        elif value and too_deep(value):
            faults.add(name, f"It is nested deeper than {MAX_DEPTH} levels.")
