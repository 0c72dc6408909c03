"""From rows to what a backend is given."""

from __future__ import annotations

from django.conf import settings

from omnichannel import backends, dlt, enclosures, links, rendering, short_links
from omnichannel.addresses import split_addresses
from omnichannel.backends.base import Attachment, Backend, OutgoingMessage, ProviderConfig
from omnichannel.choices import Category, ChannelType
from omnichannel.claimed import Claimed
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider, Job, MessageAttachment, TemplateVersion


def config_of(provider: ChannelProvider) -> ProviderConfig:
    """All that the provider's backend needs to know, secrets included."""
    sender = provider.senders.filter(is_default=True).first()
    backend = backends.get(provider.backend)
    is_theirs = backend is not None and backend.tracks
    is_ours = not is_theirs and provider.channel_type == ChannelType.EMAIL
    return ProviderConfig(
        name=provider.name,
        channel_type=provider.channel_type,
        service_url=provider.service_url,
        app_user=provider.app_user,
        app_password=provider.app_password,
        app_key=provider.app_key,
        options=provider.options,
        from_address=sender.address if sender else provider.from_address,
        from_name=sender.name if sender else provider.from_name,
        track_opens=provider.open_setting and is_theirs,
        track_clicks=provider.click_setting and is_theirs,
        count_opens=provider.open_setting and is_ours,
        count_clicks=provider.click_setting and is_ours,
        deadline=settings.SEND_DEADLINE_SECONDS,
    )


def backend_of(provider: ChannelProvider) -> Backend:
    """A backend with the provider's config. Raises InvalidMessage when its type is gone."""
    found = backends.get(provider.backend)
    if found is None:
        raise InvalidMessage(
            f"{provider.name}: there is no provider type “{provider.backend}”. Choose another."
        )
    return found(config_of(provider))


def outgoing(message: Claimed, config: ProviderConfig) -> OutgoingMessage:
    """The message, rendered. Raises TemplateError or InvalidMessage (DltMismatch)."""
    job = message.job
    is_code = message.category == Category.OTP  # whose links nobody else may follow
    rendered = rendering.render_message(
        message,
        opens=config.count_opens and not is_code,
        clicks=config.count_clicks and not is_code,
    )
    version = message.template_version
    if version and config.channel_type == ChannelType.SMS:
        rendered = short_links.as_sent(message, rendered)
        dlt.check_text(version, rendered.text, is_secret=is_code)
    from_name = (job and job.from_name) or (version and version.from_name) or config.from_name
    return OutgoingMessage(
        key=message.key,
        to=message.to_address,
        cc=() if is_code else tuple(split_addresses(message.cc_addresses)),
        bcc=() if is_code else tuple(split_addresses(message.bcc_addresses)),
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        html_pieces=rendered.html_pieces,
        text_pieces=rendered.text_pieces,
        from_address=from_address(job, version) or config.from_address,
        from_name=from_name or "",
        reply_to=(job and job.reply_to) or (version and version.reply_to) or "",
        headers=_headers(message, config),
        category=message.category,
        params=message.channel_provider_params,
        extended_properties=message.extended_properties,
        attachments=_attachments(message),
        attempt=message.attempts + 1,
        dlt_template_id=version.dlt_template_id if version else "",
    )


def from_address(job: Job | None, version: TemplateVersion | None) -> str:
    """Empty: the provider's. A registered text goes out under no other header than its own."""
    return (version and version.dlt_header) or (job and job.from_address) or ""


def _headers(message: Claimed, config: ProviderConfig) -> dict[str, str]:
    if config.channel_type != ChannelType.EMAIL:
        return {}
    version = message.template_version
    headers: dict[str, str] = dict(version.headers) if version else {}
    if message.category == Category.PROMOTIONAL:
        headers.update(links.unsubscribe_headers(message.pk))
    return headers


def _attachments(message: Claimed) -> tuple[Attachment, ...]:
    version = message.template_version
    shared = enclosures.attachments_of(version) if version else ()
    return (*shared, *map(_attachment, message.files))


def _attachment(row: MessageAttachment) -> Attachment:
    try:
        with row.file.open("rb") as file:
            return Attachment(row.name, file.read(), row.content_type or "application/octet-stream")
    except FileNotFoundError as error:
        raise InvalidMessage(f"The file of attachment “{row.name}” is missing.") from error
