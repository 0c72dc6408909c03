from __future__ import annotations

from omnichannel.backends.base import Backend, OutgoingMessage, Result
from omnichannel.choices import ChannelType, Outcome


class Sandbox(Backend):
    slug = "sandbox"
    label = "Sandbox"
    channel_types = (ChannelType.EMAIL, ChannelType.SMS, ChannelType.PUSH)

    def send(self, message: OutgoingMessage) -> Result:
        return Result(message.key, Outcome.ACCEPTED, code="250")

    def check(self) -> str:
        return "The sandbox is always there."
