"""What a start would do, and what stands in its way."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count

from campaigns import by_language, open_days, recipients, sms_parts, ways_out
from campaigns.choices import ImportStatus
from campaigns.models import AudienceMember, Campaign
from omnichannel import caps, outbox, rendering, routing
from omnichannel.addresses import clean_address
from omnichannel.choices import Category, ChannelType, MessageStatus
from omnichannel.exceptions import InvalidMessage, NoProvider, OmnichannelError, TemplateError
from omnichannel.models import ChannelProvider, TemplateVersion
from omnichannel.variables import global_values
from omnichannel.windows import is_open, next_opening


class NotReady(OmnichannelError):
    """The campaign cannot start as it is. The text names every reason."""


@dataclass
class Preflight:
    """`problems` forbid a start, `warnings` do not. `starts` is when sending would begin (UTC)."""

    provider: ChannelProvider | None = None
    starts: datetime.datetime | None = None
    window: str = ""
    delay: open_days.Delay | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    caps: list[str] = field(default_factory=list)  # which may make messages wait
    parts: sms_parts.Parts | None = None  # of an SMS, from some of the records
    records: int = 0
    without_address: int = 0
    malformed: int = 0
    suppressed: int = 0
    unconsented: int = 0
    languages: dict[str, int] = field(default_factory=dict)  # how many get which text

    @property
    def recipients(self) -> int:
        """How many can be written to; the same address twice is not looked for here."""
        left_out = self.without_address + self.malformed + self.suppressed + self.unconsented
        return self.records - left_out

    @property
    def all_parts(self) -> int:
        return self.parts.of(self.recipients) if self.parts else 0


def check(campaign: Campaign, at: datetime.datetime) -> Preflight:
    """Everything about a start at the given moment (UTC), with counts over the audience."""
    found = quick_check(campaign, at)
    _count(campaign, found)
    _warn_about_records(found)
    _look_at_parts(campaign, found)
    return found


def quick_check(campaign: Campaign, at: datetime.datetime) -> Preflight:
    """The same without the counts: its time does not depend on the audience's size."""
    found = Preflight(starts=at)
    _look_at_dates(campaign, at, found)
    _look_at_audience(campaign, found)
    _look_at_template(campaign, found)
    _look_at_provider(campaign, at, found)
    found.warnings += ways_out.warnings(campaign, found.provider)
    if not campaign.is_cap_exempt:
        found.caps = [cap.text for cap in caps.active(campaign.channel_type)]
    return found


def column_of(campaign: Campaign) -> str:
    """The column of the audience that the addresses are read from."""
    version = campaign.template.published_version
    named = campaign.recipient_column or (version.to_key if version else "")
    return named or recipients.default_column(campaign.channel_type)


def provider_of(campaign: Campaign, at: datetime.datetime) -> ChannelProvider:
    """The campaign's provider, or the default one. Raises NoProvider."""
    if campaign.provider is not None:
        return campaign.provider
    return routing.pick_provider(campaign.channel_type, Category.PROMOTIONAL, at=at)


def _look_at_dates(campaign: Campaign, at: datetime.datetime, found: Preflight) -> None:
    if campaign.ends_at and campaign.ends_at <= at:
        found.problems.append("The end date has passed: choose a later one or leave it empty.")


def _look_at_audience(campaign: Campaign, found: Preflight) -> None:
    audience = campaign.audience
    if not audience.is_active:
        found.problems.append(f"The audience “{audience}” is not active: activate it.")
    if not audience.members.exists():
        found.problems.append(f"The audience “{audience}” is empty: import records into it.")
    if audience.imports.filter(status__in=ImportStatus.active()).exists():
        found.problems.append(f"A file is being imported into “{audience}”: wait until it is done.")
    column = column_of(campaign)
    if column not in (*recipients.OWN_COLUMNS, *audience.columns):
        names = ", ".join((*recipients.OWN_COLUMNS, *audience.columns))
        found.problems.append(
            f"The audience has no column “{column}” to take addresses from. It has: {names}."
        )


def _look_at_template(campaign: Campaign, found: Preflight) -> None:
    template = campaign.template
    if template.channel_type != campaign.channel_type:
        found.problems.append(
            f"The template “{template}” is for {template.get_channel_type_display()}: "
            "choose another."
        )
    if template.category not in ("", Category.PROMOTIONAL):
        found.warnings.append(
            f"The template “{template}” is meant for {template.get_category_display().lower()} "
            "messages: a campaign's are promotional."
        )
    version = template.published_version
    if version is None:
        found.problems.append(f"The template “{template}” has no published version: publish it.")
        return
    missing = _missing_variables(campaign, version)
    if missing:
        found.warnings.append(
            f"The template uses what the audience does not have: {', '.join(missing)}."
        )
    _try_first_record(campaign, version, found)


def _missing_variables(campaign: Campaign, version: TemplateVersion) -> list[str]:
    known = {*recipients.OWN_COLUMNS, *campaign.audience.columns}
    known |= {f"global.{key}" for key in global_values()}
    names = {name for text in version.further_texts.values() for name in text.variables}
    return [
        name
        for name in sorted({*version.variables, *names})
        if name not in known and not name.startswith("system.") and name not in ("global", "system")
    ]


def _try_first_record(campaign: Campaign, version: TemplateVersion, found: Preflight) -> None:
    """A message that cannot be made for the first record would fail for most of them."""
    member = campaign.audience.members.order_by("id").first()
    if member is None:
        return
    values = {**member.variables, "email": member.email, "phone": member.phone}
    for language in (*version.languages, ""):
        spoken = {**values, "language": language} if language else values
        try:
            rendering.render(version, spoken, global_values())
        except TemplateError as error:
            where = f", in {language}" if language else ""
            found.problems.append(
                f"The template cannot be filled for the first record{where}: {error}"
            )


def _look_at_provider(campaign: Campaign, at: datetime.datetime, found: Preflight) -> None:
    try:
        provider = found.provider = provider_of(campaign, at)
    except NoProvider as error:
        found.problems.append(str(error))
        return
    if provider.channel_type != campaign.channel_type:
        channel = ChannelType(provider.channel_type).label
        found.problems.append(f"The provider “{provider}” sends {channel}: choose another.")
    if not provider.is_active:
        found.problems.append(f"The provider “{provider}” is not active: activate it.")
    if provider.stopped_at:
        found.problems.append(
            f"The provider “{provider}” is stopped: {provider.trouble} Mend it and resume it."
        )
    elif provider.resting_until and provider.resting_until > at:
        found.warnings.append(
            f"The provider “{provider}” rests until {provider.resting_until:%H:%M:%S} UTC: "
            f"{provider.trouble}"
        )
    _look_at_days(campaign, provider, at, found)
    _look_at_sender(campaign, provider, found)


def _look_at_days(
    campaign: Campaign, provider: ChannelProvider, at: datetime.datetime, found: Preflight
) -> None:
    window = (provider.interval_min, provider.interval_max)
    delay = found.delay = open_days.delay(campaign, at, at, window)
    if delay is None:
        _look_at_window(provider, at, found)
        return
    found.starts = delay.until
    if delay.until is None:
        found.problems.append("The calendar leaves no day to send on: open one, or send on all.")
        return
    found.warnings.append(f"{delay.why}: the first message goes {delay.when}.")
    ends = outbox.expiry(campaign.ends_at, provider, at)
    if ends and ends <= delay.until:
        found.warnings.append(
            f"Nothing would be sent: every message expires before, at {ends:%Y-%m-%d %H:%M} UTC. "
            "Choose a later end date, more Days Before Expire at the provider, or other days."
        )


def _look_at_window(provider: ChannelProvider, at: datetime.datetime, found: Preflight) -> None:
    window = (provider.interval_min, provider.interval_max)
    if not any(window):
        return
    start, end = (f"{edge:%H:%M}" if edge else "00:00" for edge in window)
    found.window = f"{start} to {end} UTC"
    if not is_open(at, *window):
        found.starts = next_opening(at, *window)
        found.warnings.append(
            f"The provider sends from {found.window}: the first message goes at "
            f"{found.starts:%Y-%m-%d %H:%M} UTC."
        )


def _look_at_sender(campaign: Campaign, provider: ChannelProvider, found: Preflight) -> None:
    if campaign.channel_type != ChannelType.EMAIL:
        return
    address = campaign.from_address or provider.from_address
    default = provider.senders.filter(is_default=True).first()
    address = address or (default.address if default else "")
    if not address:
        found.problems.append(
            "There is no from address: enter one in the campaign or in the provider."
        )
        return
    try:
        clean_address(ChannelType.EMAIL, address)
    except InvalidMessage as error:
        found.problems.append(f"The from address cannot be used: {error}")
    known = {provider.from_address, *provider.senders.values_list("address", flat=True)}
    if address not in known:
        found.warnings.append(
            f"{address} is not among the provider's sender addresses: it may be refused."
        )


def _count(campaign: Campaign, found: Preflight) -> None:
    """One pass over the audience, whatever its size."""
    rows = recipients.recipients(
        AudienceMember.objects.filter(audience=campaign.audience),
        column=column_of(campaign),
        channel_type=campaign.channel_type,
        category=Category.PROMOTIONAL,
        needs_consent=campaign.needs_consent,
    )
    version = campaign.template.published_version
    groups = rows.annotate(written=by_language.written(version)).order_by()
    counts: Counter[str] = Counter()
    spoken = by_language.Spoken(version)
    counted = groups.values_list("fate", "written").annotate(number=Count("id"))
    for fate, written, number in counted.iterator():
        counts[fate] += number
        if fate == MessageStatus.NEW:
            spoken.add(written, number)
    found.languages = spoken.by_name()
    found.records = counts.total()
    found.without_address = counts[recipients.BLANK]
    found.malformed = counts[MessageStatus.FAILED]
    found.suppressed = counts[MessageStatus.SUPPRESSED]
    found.unconsented = counts[recipients.UNCONSENTED]


def _warn_about_records(found: Preflight) -> None:
    texts = (
        (found.without_address, "without an address: left out."),
        (found.malformed, "with a malformed address: their messages fail."),
        (found.suppressed, "on the suppression list: left out."),
        (found.unconsented, "without a consent on record: left out."),
    )
    for count, text in texts:
        if count:
            records = "record" if count == 1 else "records"
            found.warnings.append(f"{count:,} {records} {text}")
    if found.records and not found.recipients:
        found.problems.append("Nobody is left to write to.")


def _look_at_parts(campaign: Campaign, found: Preflight) -> None:
    version = campaign.template.published_version
    if campaign.channel_type != ChannelType.SMS or version is None:
        return
    parts = found.parts = sms_parts.look(campaign.audience, version)
    if parts.unregistered:
        found.warnings.append(
            f"{parts.unregistered} of {parts.records} records looked at would fail. "
            f"{parts.deviation}"
        )
