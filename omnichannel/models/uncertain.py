from __future__ import annotations

from omnichannel.models.messages import Message


class UncertainMessage(Message):
    """Messages whose outcome nobody knows, as a list of their own."""

    class Meta:
        proxy = True
        verbose_name = "uncertain message"
        default_permissions = ()  # those of the message count
