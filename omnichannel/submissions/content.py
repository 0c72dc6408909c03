"""What a submission says: a template's published version, or a text of its own."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from omnichannel import rendering
from omnichannel.choices import Category, ChannelType, Priority
from omnichannel.exceptions import TemplateError
from omnichannel.models import MessageTemplate, TemplateVersion
from omnichannel.rendering.languages import position_for
from omnichannel.rendering.needed import Needed, needed_by
from omnichannel.submissions.asked import Submission
from omnichannel.submissions.faults import Faults
from omnichannel.submissions.looked_up import LookedUp
from omnichannel.variables import global_values

RESERVED = ("global", "system")  # what a template sees there is not the sender's


@dataclass(frozen=True, slots=True)
class Content:
    """`version` None: the submission's own text. `needed` and `required` are by the position of
    the version's text; which of them counts is said by the language in a recipient's variables.
    """

    version: TemplateVersion | None = None
    global_values: Mapping[str, Any] = field(default_factory=dict)
    needed: Sequence[Needed] = ()
    required: Sequence[frozenset[str]] = ()

    def position_for(self, variables: Mapping[str, Any]) -> int:
        return position_for(self.version.offered, variables) if self.version else 0

    def snapshot_for(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What a message without a job keeps of the global variables."""
        return self.needed[self.position_for(variables)].snapshot(self.global_values)

    def missing_from(self, variables: Mapping[str, Any]) -> list[str]:
        """The names that must be given and are not."""
        required = self.required[self.position_for(variables)]
        if required <= variables.keys():
            return []
        event = variables.get("event")
        event = event if isinstance(event, dict) else {}
        known = {*variables, *event, *(f"event.{name}" for name in event)}
        return sorted(required - known)

    def try_out(self, variables: Mapping[str, Any]) -> str:
        """Why it cannot be filled with these; empty when it can."""
        if self.version is None:
            return ""
        try:
            rendering.render(self.version, variables, self.global_values)
        except TemplateError as error:
            return str(error)
        return ""


def template_of(asked: Submission, known: LookedUp, faults: Faults) -> MessageTemplate | None:
    """The template by id, or by its name, which only one channel may have."""
    if asked.template is None:
        return None
    kind = asked.channel_type
    found = [row for row in known.templates if not kind or row.channel_type == kind]
    if len(found) == 1:
        return found[0]
    faults.add(
        "template",
        "Several channels have a template of this name: give channel_type too."
        if found
        else "There is no such template.",
    )
    return None


def with_defaults(asked: Submission, template: MessageTemplate | None) -> Submission:
    """With the template's category and priority where none was asked for."""
    category = template.default_category if template else Category.TRANSACTIONAL
    priority = template.default_priority if template else Priority.NORMAL
    return replace(
        asked,
        category=asked.category or category,
        priority=priority if asked.priority is None else asked.priority,
    )


_versions: OrderedDict[int, TemplateVersion] = OrderedDict()
KEPT = 200


def _version(pk: int) -> TemplateVersion:
    """Versions never change: each is read once in this process."""
    found = _versions.get(pk)
    if found is None:
        found = _versions[pk] = TemplateVersion.objects.select_related("template").get(pk=pk)
        while len(_versions) > KEPT:
            _versions.popitem(last=False)
    return found


def forget_versions() -> None:
    """The database is another one: for tests."""
    _versions.clear()


def content_of(
    asked: Submission, template: MessageTemplate | None, channel_type: str, faults: Faults
) -> Content:
    if asked.template is None:
        _check_text(asked, channel_type, faults)
        return Content()
    for name in ("subject", "body_html", "body_text"):
        if getattr(asked, name):
            faults.add(name, "A template is given: it says this.")
    if template is None:
        return Content()
    if template.published_version_id is None:
        faults.add("template", f"“{template}” has no published version: publish it.")
        return Content()
    return _of_version(asked, _version(template.published_version_id), faults)


def _of_version(asked: Submission, version: TemplateVersion, faults: Faults) -> Content:
    try:
        needed = [needed_by(version, place) for place in range(len(version.offered) + 1)]
    except TemplateError as error:
        faults.add("template", str(error))
        return Content()
    known = global_values() if _names_globals(asked, needed) else {}
    return Content(version, known, needed, [each.given_by(known) for each in needed])


def _names_globals(asked: Submission, needed: Sequence[Needed]) -> bool:
    """Could a global variable show? A bare name is one where the recipient has no such variable."""
    constants: set[str] = set()
    for each in needed:
        if each.constants is None:
            return True
        constants |= each.constants
    if any("." in name for name in constants):
        return True
    bare = constants - asked.variables.keys()
    return bool(bare) and not all(
        isinstance(each, dict)
        and isinstance(own := each.get("variables"), dict)
        and bare <= own.keys()
        for each in asked.recipients
    )


def _check_text(asked: Submission, channel_type: str, faults: Faults) -> None:
    if any(char in asked.subject for char in "\r\n"):
        faults.add("subject", "The subject cannot contain a line break.")
    html, text = asked.body_html.strip(), asked.body_text.strip()
    if not (html or text):
        faults.add("body_text", "Give a template, or a body_html, a body_text or both.")
    elif not text and channel_type not in ("", ChannelType.EMAIL):
        faults.add("body_text", "This channel sends text: give a body_text.")


def check_times(asked: Submission, at: datetime.datetime, faults: Faults) -> None:
    if asked.ends_at and asked.ends_at <= at:
        faults.add("ends_at", "It has passed: nothing would ever go.")
    elif asked.starts_at and asked.ends_at and asked.starts_at >= asked.ends_at:
        faults.add("ends_at", "It must be after starts_at.")
    if asked.interval_min is not None and asked.interval_min == asked.interval_max:
        faults.add("interval_max", "It equals interval_min: leave both out to send all day.")
