"""The e-mails that come with the product: a body for the common frame, and what it needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from omnichannel.choices import Category

NAME = {"first_name": "Ana"}
ITEMS = [
    {"name": "Rain jacket", "quantity": 1, "price": 89},
    {"name": "Wool socks", "quantity": 3, "price": 9.5},
]
ORDER = {**NAME, "order_id": "A-1042", "items": ITEMS, "total": 117.5, "currency": "EUR"}
SHIPMENT = {**NAME, "order_id": "A-1042", "carrier": "Example Parcel", "tracking_number": "EX1042"}
TRACKING = {**SHIPMENT, "tracking_url": "https://example.com/track/EX1042"}
CODE = {"code": "123456", "minutes": 5, "purpose_label": "Verification", "webotp_domain": ""}
HELLO = '<p>Hello {{ first_name|default("there") }},</p>'


class Email(NamedTuple):
    key: str
    name: str
    description: str
    subject: str
    body: str
    sample: dict[str, Any]
    category: Category = Category.TRANSACTIONAL
    foot: str = ""


EMAILS = (
    Email(
        "welcome-email",
        "Welcome",
        "Greets somebody who has just made an account.",
        "Welcome to {{ global.company_name }}",
        """<h1>Welcome, {{ first_name|default("and hello") }}</h1>
<p>Your account is ready. Sign in to complete your profile and to choose what you want to hear
about.</p>
<p><a class="button" href="{{ account_url }}">Open my account</a></p>""",
        {**NAME, "account_url": "https://example.com/account"},
    ),
    Email(
        "verify-email",
        "Verify e-mail address",
        "Asks a new customer to confirm the e-mail address.",
        "Confirm your e-mail address",
        f"""<h1>Confirm your e-mail address</h1>
{HELLO}
<p>Please confirm that this address is yours. The link works until {{{{ expires_at }}}}.</p>
<p><a class="button" href="{{{{ verify_url }}}}" data-no-track>Confirm my address</a></p>
<p class="note">You did not sign up? Then ignore this message: nothing happens without the
link.</p>""",
        {**NAME, "verify_url": "https://example.com/verify/abc", "expires_at": "2026-03-02 18:00"},
    ),
    Email(
        "reset-password-email",
        "Reset password",
        "Sends the link with which a password is set anew.",
        "Set a new password",
        f"""<h1>Set a new password</h1>
{HELLO}
<p>Somebody asked for a new password for your account. The link works until
{{{{ expires_at }}}}, once.</p>
<p><a class="button" href="{{{{ reset_url }}}}" data-no-track>Set a new password</a></p>
<p class="note">It was not you? Then ignore this message: your password stays as it is.</p>""",
        {**NAME, "reset_url": "https://example.com/reset/abc", "expires_at": "2026-03-02 13:00"},
    ),
    Email(
        "order-placed-email",
        "Order placed",
        "Confirms an order with its items and its total.",
        "We have your order {{ order_id }}",
        f"""<h1>Thank you for your order</h1>
{HELLO}
<p>We have your order <b>{{{{ order_id }}}}</b> and tell you when it leaves us.</p>
<table class="table">
{{% for item in items %}}<tr><td>{{{{ item.quantity }}}} &times; {{{{ item.name }}}}</td>
<td class="number">{{{{ item.price|number(2) }}}} {{{{ currency }}}}</td></tr>{{% endfor %}}
<tr><td><b>Total</b></td>
<td class="number"><b>{{{{ total|number(2) }}}} {{{{ currency }}}}</b></td></tr>
</table>""",
        ORDER,
    ),
    Email(
        "order-shipped-email",
        "Order shipped",
        "Tells that a parcel is on its way, and where to follow it.",
        "Your order {{ order_id }} is on its way",
        f"""<h1>It is on its way</h1>
{HELLO}
<p>Your order <b>{{{{ order_id }}}}</b> has left us with {{{{ carrier }}}}, number
{{{{ tracking_number }}}}.</p>
<p><a class="button" href="{{{{ tracking_url }}}}">Follow the parcel</a></p>""",
        TRACKING,
    ),
    Email(
        "order-delivered-email",
        "Order delivered",
        "Tells that a parcel has arrived, and what to do if it has not.",
        "Your order {{ order_id }} was delivered",
        f"""<h1>It has arrived</h1>
{HELLO}
<p>{{{{ carrier }}}} tells us that your order <b>{{{{ order_id }}}}</b> was delivered on
{{{{ delivered_at }}}}.</p>
<p>You cannot find it, or something is wrong with it? Answer this message.</p>""",
        {**SHIPMENT, "delivered_at": "2026-03-02"},
    ),
    Email(
        "refund-email",
        "Refund",
        "Tells that money is on its way back.",
        "Your refund for order {{ order_id }}",
        f"""<h1>Your refund is on its way</h1>
{HELLO}
<p>We have sent back <b>{{{{ amount|number(2) }}}} {{{{ currency }}}}</b> for order
{{{{ order_id }}}}. Your bank may take up to {{{{ days|default(5) }}}} working days to show
it.</p>""",
        {**NAME, "order_id": "A-1042", "amount": 27, "currency": "EUR", "days": 5},
    ),
    Email(
        "invite-email",
        "Invite",
        "Invites somebody to join, in another person's name.",
        "{{ invited_by }} invites you to {{ global.company_name }}",
        """<h1>You are invited</h1>
<p>{{ invited_by }} would like you to join {{ team }} at {{ global.company_name }}.</p>
<p><a class="button" href="{{ invite_url }}" data-no-track>Accept the invitation</a></p>
<p class="note">You do not know {{ invited_by }}? Then ignore this message.</p>""",
        {
            "invited_by": "Sam Example",
            "team": "the design team",
            "invite_url": "https://example.com/invite/abc",
        },
    ),
    Email(
        "otp-code-email",
        "One-time code",
        "Carries a one-time password.",
        "Your code",
        """<h1>Your code</h1>
<p>{{ purpose_label }}: enter this code within {{ minutes }} minutes.</p>
<p style="font-size: 28px; letter-spacing: 4px"><b>{{ code }}</b></p>
<p class="note">You did not ask for it? Then ignore this message, and never tell anybody the
code.</p>""",
        CODE,
        Category.OTP,
    ),
    Email(
        "newsletter-email",
        "Newsletter",
        "News with any number of stories, and the way out.",
        "{{ headline }}",
        """<h1>{{ headline }}</h1>
<p>Hello {{ first_name|default("there") }}, {{ introduction }}</p>
{% for story in stories %}<h2><a href="{{ story.url }}">{{ story.title }}</a></h2>
<p>{{ story.text }}</p>
{% endfor %}""",
        {
            **NAME,
            "headline": "What is new in spring",
            "introduction": "this is what happened here since we last wrote.",
            "stories": [
                {
                    "title": "The new jackets are here",
                    "text": "Light, dry, and made to be mended.",
                    "url": "https://example.com/jackets",
                },
                {
                    "title": "Meet us on Saturday",
                    "text": "Our workshop is open from ten to four.",
                    "url": "https://example.com/workshop",
                },
            ],
        },
        Category.PROMOTIONAL,
        '<br>\n<a href="{{ system.unsubscribe_url }}">Unsubscribe</a> or\n'
        '<a href="{{ system.preferences_url }}">choose what you get</a>.',
    ),
)
