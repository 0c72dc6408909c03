"""From rows to what a backend is given."""

from __future__ import annotations

from django.conf import settings

from omnichannel import backends, rendering
from omnichannel.addresses import split_addresses
from omnichannel.backends.base import Attachment, Backend, OutgoingMessage, ProviderConfig
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider, Message, MessageAttachment


def config_of(provider: ChannelProvider) -> ProviderConfig:
    """All that the provider's backend needs to know, secrets included."""
    sender = provider.senders.filter(is_default=True).first()
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
        track_opens=provider.open_setting,
        track_clicks=provider.click_setting,
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


def outgoing(message: Message, config: ProviderConfig) -> OutgoingMessage:
    """The message, rendered. Raises TemplateError or InvalidMessage.

    `message.provider`, and its `job` and `template_version` when it has them, must be loaded.
    """
    job = message.job
    rendered = rendering.render_message(message)
    version = message.template_version
    from_name = (job and job.from_name) or (version and version.from_name) or config.from_name
    return OutgoingMessage(
        key=str(message.key),
        to=message.to_address,
        cc=tuple(split_addresses(message.cc_addresses)),
        bcc=tuple(split_addresses(message.bcc_addresses)),
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        html_pieces=rendered.html_pieces,
        text_pieces=rendered.text_pieces,
        from_address=(job and job.from_address) or config.from_address,
        from_name=from_name or "",
        reply_to=(job and job.reply_to) or (version and version.reply_to) or "",
        category=message.category,
        params=message.channel_provider_params,
        extended_properties=message.extended_properties,
        attachments=() if version else _attachments(message),
        attempt=message.attempts + 1,
    )


def _attachments(message: Message) -> tuple[Attachment, ...]:
    return tuple(_attachment(row) for row in message.attachments.all())


def _attachment(row: MessageAttachment) -> Attachment:
    try:
        with row.file.open("rb") as file:
            return Attachment(row.name, file.read(), row.content_type or "application/octet-stream")
    except FileNotFoundError as error:
        raise InvalidMessage(f"The file of attachment “{row.name}” is missing.") from error
