"""What comes back by mail: reports of relays, complaints, and the replies of machines.

All of it is written by strangers: sizes and depths are bounded, nothing here raises.
"""

from __future__ import annotations

from omnichannel.returned.reading import read
from omnichannel.returned.words import Kind, Recipient, Returned

__all__ = ["Kind", "Recipient", "Returned", "read"]
