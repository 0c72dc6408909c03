"""Who fetched it: a person's program, or a machine that looks at mail before or without anyone.

A wrong "person" only makes a figure a little too high, and a wrong "machine" loses someone who
read the message: so only what is known to come without a reader is named here.
"""

from __future__ import annotations

import datetime
import re

TOO_SOON = datetime.timedelta(seconds=3)  # after the hand-over: nobody has read it by then

# Gmail's and Yahoo's image proxies (GoogleImageProxy, YahooMailProxy) are missing on purpose:
# they fetch when the recipient opens (github.com/matomo-org/device-detector/issues/5359).
KNOWN: tuple[tuple[str, str], ...] = (
    # Apple's Mail Privacy Protection loads all images, read or not, and says no more than this
    # (github.com/jdavidbakr/mail-tracker/issues/255).
    (r"Mozilla/5\.0", "Apple Mail's proxy"),
    # Gmail as a message arrives (github.com/mautic/mautic/pull/10245).
    (r".* Edge/12\.246 Mozilla/5\.0", "Gmail's prefetch"),
    # Gmail looking behind links (github.com/mssola/user_agent/issues/71).
    (r".*Gmail-content-sampling.*", "Gmail's link check"),
    # Outlook.com opens links to judge them (github.com/phpList/phplist3/issues/415).
    (r".*BingPreview.*", "Microsoft's link check"),
    # These name themselves so: security gateways and the link previews of chat programs.
    (r".*\b(?:Barracuda|Mimecast|Proofpoint|FireEye|Sophos|Symantec|Trend ?Micro)\b.*", "scanner"),
    (r".*(?:facebookexternalhit|WhatsApp/|SkypeUriPreview|Google-Safety).*", "link preview"),
    # The words that crawlers and scripts have in common; a Cubot is a phone.
    (r".*(?:(?<!cu)bot\b|crawl|spider|scanner|slurp|headless|preview).*", "crawler"),
    (r"(?:curl|wget|python|go-http-client|java|okhttp|axios|node|ruby|php|perl)\b.*", "script"),
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), who) for pattern, who in KNOWN]
LONGEST = 1_000  # characters that are looked at


def machine(user_agent: str) -> str:
    """Which machine says this of itself; empty for a person's program."""
    text = user_agent[:LONGEST].strip()
    if not text:
        return "no name given"
    return next((who for pattern, who in _PATTERNS if pattern.fullmatch(text)), "")


def is_too_soon(handed_over: datetime.datetime | None, at: datetime.datetime) -> bool:
    """`handed_over` None: its answer is not even recorded yet."""
    return handed_over is None or at - handed_over < TOO_SOON
