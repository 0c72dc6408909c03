"""The text messages that come with the product. Each fits into one part with its samples."""

from __future__ import annotations

from typing import Any, NamedTuple

from omnichannel.choices import Category
from omnichannel.originals.emails import CODE, NAME


class Text(NamedTuple):
    key: str
    name: str
    description: str
    text: str
    sample: dict[str, Any]
    category: Category = Category.TRANSACTIONAL


_ORDER = {"order_id": "A-1042"}

TEXTS = (
    Text(
        "welcome-sms",
        "Welcome",
        "Greets somebody who has just made an account.",
        'Welcome, {{ first_name|default("and hello") }}! Your account at '
        '{{ global.company_name|default("our shop") }} is ready.',
        NAME,
    ),
    Text(
        "verify-phone-sms",
        "Verify phone number",
        "Sends the link with which a phone number is confirmed.",
        "Confirm your phone number: {{ verify_url }} Ignore this if you did not sign up.",
        {"verify_url": "https://example.com/v/abc"},
    ),
    Text(
        "reset-password-sms",
        "Reset password",
        "Sends the link with which a password is set anew.",
        "Set a new password: {{ reset_url }} It was not you? Then ignore this message.",
        {"reset_url": "https://example.com/r/abc"},
    ),
    Text(
        "order-placed-sms",
        "Order placed",
        "Confirms an order.",
        "Thank you! We have your order {{ order_id }} and tell you when it leaves us.",
        _ORDER,
    ),
    Text(
        "order-shipped-sms",
        "Order shipped",
        "Tells that a parcel is on its way.",
        "Your order {{ order_id }} is on its way. Follow it: {{ tracking_url }}",
        {**_ORDER, "tracking_url": "https://example.com/t/EX1042"},
    ),
    Text(
        "order-delivered-sms",
        "Order delivered",
        "Tells that a parcel has arrived.",
        "Your order {{ order_id }} was delivered. Something wrong? Tell us: {{ help_url }}",
        {**_ORDER, "help_url": "https://example.com/help"},
    ),
    Text(
        "refund-sms",
        "Refund",
        "Tells that money is on its way back.",
        "We have sent back {{ amount|number(2) }} {{ currency }} for order {{ order_id }}.",
        {**_ORDER, "amount": 27, "currency": "EUR"},
    ),
    Text(
        "otp-code-sms",
        "One-time code",
        "Carries a one-time password. Its last line, where the configuration names a site, lets "
        "browsers fill the code in.",
        "{{ code }} is your code, valid for {{ minutes }} min. Never share it."
        "{% if webotp_domain %}\n\n@{{ webotp_domain }} #{{ code }}{% endif %}",
        CODE,
        Category.OTP,
    ),
)
