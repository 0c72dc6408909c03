"""What a recipe of a campaign must be like, whoever writes it: the form or another system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from campaigns import recipients, runner
from campaigns.choices import CampaignStatus, OnClosedDay
from campaigns.models import Campaign
from omnichannel.addresses import clean_address
from omnichannel.choices import ChannelType
from omnichannel.exceptions import IllegalTransition, InvalidMessage

LOCKED = "This campaign is {}: its settings cannot be changed. {}"


def faults(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with these fields of a campaign: {field: text}."""
    found = _of_channel(values) | _of_column(values)
    try:
        sender_of(values)
    except InvalidMessage as error:
        found["from_address"] = str(error)
    if values.get("on_holidays") == OnClosedDay.SEND_AFTER and values.get("calendar") is None:
        found["calendar"] = "Choose the calendar that says which days are holidays."
    return found


def sender_of(values: Mapping[str, Any]) -> str:
    """The from address in the form in which it is compared. Raises InvalidMessage."""
    sender, channel = values.get("from_address") or "", values.get("channel_type")
    return clean_address(channel, sender) if sender and channel == ChannelType.EMAIL else sender


def _of_channel(values: Mapping[str, Any]) -> dict[str, str]:
    channel, found = values.get("channel_type", ""), {}
    for name in ("template", "provider"):
        chosen = values.get(name)
        if chosen is not None and channel and chosen.channel_type != channel:
            kind = ChannelType(chosen.channel_type).label
            found[name] = f"This one is for {kind}: choose one for the channel type."
    return found


def _of_column(values: Mapping[str, Any]) -> dict[str, str]:
    column, audience = values.get("recipient_column"), values.get("audience")
    if not column or audience is None:
        return {}
    known = (*recipients.OWN_COLUMNS, *audience.columns)
    if column in known:
        return {}
    return {"recipient_column": f"The audience has no such column. It has: {', '.join(known)}."}


def free_identifier(name: str, campaign: Campaign) -> str:
    """An identifier made from the name, with a number where it is taken."""
    stem = slugify(name)[:52] or "campaign"
    taken = set(
        Campaign.objects.exclude(pk=campaign.pk)
        .filter(identifier__startswith=stem)
        .values_list("identifier", flat=True)
    )
    identifier, number = stem, 2
    while identifier in taken:
        identifier, number = f"{stem}-{number}", number + 1
    return identifier


def locked(campaign: Campaign) -> str:
    """Why its settings cannot be changed."""
    state = CampaignStatus(campaign.status)
    return LOCKED.format(state.label.lower(), runner.ADVICE[state])


def hold_still(campaign: Campaign) -> None:
    """Keep it at rest until the transaction ends. Raises IllegalTransition when it is not."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("This holds in a transaction only.")
    at_rest = Campaign.objects.filter(pk=campaign.pk, status__in=CampaignStatus.at_rest())
    if not at_rest.select_for_update().exists():
        campaign.refresh_from_db(fields=["status"])
        raise IllegalTransition(locked(campaign))
