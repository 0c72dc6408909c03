"""How many parts a campaign's SMS will take: an estimate, from some of its records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Max, Min

from campaigns.models import Audience, AudienceMember
from omnichannel import dlt, rendering, short_links
from omnichannel.exceptions import DltMismatch, TemplateError
from omnichannel.models import TemplateVersion
from omnichannel.sms_text import UCS2, measure
from omnichannel.variables import global_values

PLACES, ROWS = 8, 25  # evenly over the audience, and records read at each


@dataclass
class Parts:
    """`records` were looked at, `unicode` of them are not in GSM-7."""

    records: int = 0
    parts: int = 0
    unicode: int = 0
    most: int = 0
    unregistered: int = 0
    deviation: str = ""  # of the first that says what is not registered

    def of(self, recipients: int) -> int:
        """The parts of that many messages."""
        return round(recipients * self.parts / self.records) if self.records else 0

    @property
    def each(self) -> float:
        return self.parts / self.records if self.records else 0


def look(audience: Audience, version: TemplateVersion) -> Parts:
    found = Parts()
    global_context = global_values()
    for member in _sample(audience):
        values = {**member.variables, "email": member.email, "phone": member.phone}
        try:
            text = rendering.render(version, values, global_context).text
        except TemplateError:
            continue  # such a message fails, and takes no part
        _count(found, version, short_links.sample(version, text))
    return found


def _count(found: Parts, version: TemplateVersion, text: str) -> None:
    size = measure(text)
    found.records += 1
    found.parts += size.parts
    found.unicode += size.encoding == UCS2
    found.most = max(found.most, size.parts)
    try:
        dlt.check_text(version, text)
    except DltMismatch as error:
        found.unregistered += 1
        found.deviation = found.deviation or str(error)


def _sample(audience: Audience) -> Iterator[AudienceMember]:
    """Few short reads along the index, whatever the audience's size; each record once."""
    members = AudienceMember.objects.filter(audience=audience)
    ends = members.aggregate(first=Min("id"), last=Max("id"))
    if ends["first"] is None:
        return
    seen = ends["first"] - 1
    step = (ends["last"] + 1 - ends["first"]) / PLACES
    for place in range(PLACES):
        start = max(seen + 1, ends["first"] + int(place * step))
        for member in members.filter(id__gte=start).order_by("id")[:ROWS]:
            seen = member.pk
            yield member
