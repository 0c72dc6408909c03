"""The common events of a shop and its accounts, which every installation starts with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from omnichannel.choices import Category
from omnichannel.models import Event

LOGIN, ORDERS, SHIPMENTS = "Signup & login", "Orders", "Shipments"
RETURNS, PAYMENTS, SUPPORT, MARKETING = "Returns", "Payments", "Customer support", "Marketing"
PARTNERS = "Partners"
OTP, PROMOTIONAL, TRANSACTIONAL = Category.OTP, Category.PROMOTIONAL, Category.TRANSACTIONAL

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
DATE, URL = {"type": "string", "format": "date"}, {"type": "string", "format": "uri"}
ITEM = {
    "type": "object",
    "required": ["name", "quantity"],
    "properties": {"name": TEXT, "quantity": WHOLE, "price": NUMBER},
}
ITEMS = [
    {"name": "Rain jacket", "quantity": 1, "price": 89.0},
    {"name": "Wool socks", "quantity": 3, "price": 9.5},
]
ENVELOPE = {
    "type": "object",
    "required": ["uuid", "subject", "status"],
    "properties": {"uuid": TEXT, "subject": TEXT, "status": TEXT},
}
ENVELOPES = {
    "uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "subject": "Order 4711", "status": "sent"
}  # fmt: skip
SHOP = "https://shop.example.com"

# name: (its schema, what it is, a sample)
VARIABLES: dict[str, tuple[dict[str, Any], str, Any]] = {
    "account_url": (URL, "The page of the account", f"{SHOP}/account"),
    "amount": (NUMBER, "How much, in the currency", 117.5),
    "answer": (TEXT, "What customer support wrote", "Your parcel is on its way again."),
    "cart_url": (URL, "The page of the cart", f"{SHOP}/cart"),
    "carrier": (TEXT, "Who carries the parcel", "Example Parcels"),
    "certificate": (TEXT, "Whose certificate it is", "certificate of our station"),
    "code": (TEXT, "The one-time password", "481516"),
    "coupon": (TEXT, "The code of the discount", "SPRING10"),
    "currency": (TEXT, "Three letters, such as EUR", "EUR"),
    "date": (DATE, "The day of it", "2026-03-04"),
    "delivery_date": (DATE, "When it is expected to arrive", "2026-03-06"),
    "delivered_at": (DATE, "The day on which it arrived", "2026-03-06"),
    "device": (TEXT, "Browser and system", "Firefox on Linux"),
    "envelope": (ENVELOPE, "The envelope", ENVELOPES),
    "error_code": (TEXT, "A word for what went wrong", "no_rule"),
    "error_text": (TEXT, "What went wrong", "No rule matches the file."),
    "expires_at": (TEXT, "Until when it can be used", "2026-03-02 18:00"),
    "fields": ({"type": "object"}, "The fields of the envelope", {"order_number": "4711"}),
    "filename": (TEXT, "The name of the file", "orders.edi"),
    "friend_name": (TEXT, "The friend's name", "Ben"),
    "help_url": (URL, "Where customer support is", f"{SHOP}/help"),
    "invite_url": (URL, "Where the invitation is accepted", f"{SHOP}/invitations/8f2c"),
    "invited_by": (TEXT, "Who invites", "Ben"),
    "ip_address": (TEXT, "From where", "192.0.2.10"),
    "items": ({"type": "array", "items": ITEM}, "What it is about", ITEMS),
    "new_email": (TEXT, "The new e-mail address", "ana.new@example.com"),
    "order_id": (TEXT, "The number of the order", "A-1042"),
    "order_url": (URL, "The page of the order", f"{SHOP}/orders/A-1042"),
    "pay_url": (URL, "Where it can be paid", f"{SHOP}/orders/A-1042/pay"),
    "pickup_address": (TEXT, "Where to fetch it", "1 Example Street, Springfield"),
    "product_name": (TEXT, "The name of the product", "Rain jacket"),
    "product_url": (URL, "The page of the product", f"{SHOP}/products/rain-jacket"),
    "reason": (TEXT, "Why", "The item is sold out."),
    "recipient": (TEXT, "The mailbox that it is for", "Example Trading"),
    "reject_reason": (TEXT, "Why it was rejected", "The order is too old."),
    "reset_url": (URL, "Where a new password is chosen", f"{SHOP}/reset/4d1e"),
    "return_id": (TEXT, "The number of the return", "R-207"),
    "return_url": (URL, "The page of the return", f"{SHOP}/returns/R-207"),
    "review_url": (URL, "Where the review is written", f"{SHOP}/orders/A-1042/review"),
    "reward": (TEXT, "What it earned", "10 EUR"),
    "sender": (TEXT, "The mailbox that it is from", "Northwind Example"),
    "team": (TEXT, "What the person is to join", "the design team"),
    "ticket_id": (TEXT, "The number of the request", "T-88"),
    "ticket_url": (URL, "The page of the request", f"{SHOP}/support/T-88"),
    "total": (NUMBER, "The sum of the order", 117.5),
    "tracking_number": (TEXT, "The number of the parcel", "EP123456789"),
    "tracking_url": (URL, "Where the parcel can be followed", f"{SHOP}/track/EP123456789"),
    "valid_minutes": (WHOLE, "How long it can be used", 10),
    "verify_url": (URL, "Where the address is confirmed", f"{SHOP}/verify/9b3a"),
}


ENVELOPE_VALUES = "envelope sender recipient fields reject_reason?"


class Shipped(NamedTuple):
    key: str
    name: str
    group: str
    sub_group: str
    description: str
    variables: str  # names; one with a question mark may be missing
    category: Category = TRANSACTIONAL


SHIPPED = (
    Shipped("verify-email", "Verify e-mail address", LOGIN, "Registration",
            "Someone signed up, or added an e-mail address.", "verify_url expires_at"),
    Shipped("welcome", "Welcome", LOGIN, "Registration", "An account is ready.", "account_url"),
    Shipped("invite", "Invitation", LOGIN, "Registration",
            "Someone invites a person to an account.", "invited_by team invite_url"),
    Shipped("verify-phone", "Verify phone number", LOGIN, "Authentication",
            "A phone number is to be confirmed by a code.", "code valid_minutes", OTP),
    Shipped("sign-in-code", "Sign-in code", LOGIN, "Authentication",
            "Someone signs in with a code.", "code valid_minutes", OTP),
    Shipped("reset-password", "Reset password", LOGIN, "Authentication",
            "Someone forgot their password.", "reset_url expires_at"),
    Shipped("new-sign-in", "Sign-in from a new device", LOGIN, "Authentication",
            "Someone signed in from a device that is not known.", "device date"),
    Shipped("password-changed", "Password changed", LOGIN, "Account updates",
            "A password was changed.", "date"),
    Shipped("email-changed", "E-mail address changed", LOGIN, "Account updates",
            "The old address hears of the new one.", "new_email"),
    Shipped("order-placed", "Order placed", ORDERS, "Order",
            "A customer placed an order.", "order_id items total currency order_url?"),
    Shipped("order-confirmed", "Order confirmed", ORDERS, "Order",
            "The shop accepted the order.", "order_id items delivery_date? order_url?"),
    Shipped("order-changed", "Order changed", ORDERS, "Order",
            "Something in the order was changed.", "order_id items reason? order_url?"),
    Shipped("order-cancelled", "Order cancelled by the shop", ORDERS, "Cancellation",
            "The shop cannot deliver.", "order_id reason items?"),
    Shipped("order-cancelled-by-customer", "Order cancelled by the customer", ORDERS,
            "Cancellation", "The customer took the order back.", "order_id items?"),
    Shipped("order-packed", "Order packed", SHIPMENTS, "Delivery",
            "The parcel is ready to leave.", "order_id items?"),
    Shipped("order-shipped", "Order shipped", SHIPMENTS, "Delivery", "The parcel left the shop.",
            "order_id items carrier tracking_number tracking_url delivery_date?"),
    Shipped("out-for-delivery", "Out for delivery", SHIPMENTS, "Delivery",
            "The parcel arrives today.", "order_id carrier? tracking_url?"),
    Shipped("delivery-attempt-failed", "Delivery attempt failed", SHIPMENTS, "Delivery",
            "Nobody took the parcel.", "order_id reason? tracking_url? delivery_date?"),
    Shipped("order-delivered", "Order delivered", SHIPMENTS, "Delivery",
            "The parcel has arrived.", "order_id carrier delivered_at items? help_url?"),
    Shipped("ready-for-pickup", "Ready for pickup", SHIPMENTS, "Pickup",
            "The order waits at a store.", "order_id pickup_address"),
    Shipped("order-picked-up", "Order picked up", SHIPMENTS, "Pickup",
            "The customer fetched the order.", "order_id date?"),
    Shipped("return-requested", "Return requested", RETURNS, "Request",
            "A customer wants to send something back.", "order_id return_id items return_url?"),
    Shipped("return-accepted", "Return accepted", RETURNS, "Request",
            "The shop takes it back.", "order_id return_id return_url?"),
    Shipped("return-declined", "Return declined", RETURNS, "Request",
            "The shop does not take it back.", "order_id return_id reason"),
    Shipped("return-cancelled", "Return cancelled", RETURNS, "Request",
            "The customer keeps it after all.", "order_id return_id"),
    Shipped("return-pickup-scheduled", "Return pickup scheduled", RETURNS, "Parcel",
            "A carrier comes to fetch the return.", "order_id return_id date carrier?"),
    Shipped("return-picked-up", "Return picked up", RETURNS, "Parcel",
            "The carrier has the return.", "order_id return_id carrier? tracking_url?"),
    Shipped("return-received", "Return received", RETURNS, "Parcel",
            "The return is back at the shop.", "order_id return_id items?"),
    Shipped("payment-received", "Payment received", PAYMENTS, "Payment",
            "An order was paid.", "order_id amount currency"),
    Shipped("payment-failed", "Payment failed", PAYMENTS, "Payment",
            "A payment did not go through.", "order_id amount currency pay_url reason?"),
    Shipped("refund-initiated", "Refund initiated", PAYMENTS, "Refund",
            "The money is on its way back.", "order_id amount currency"),
    Shipped("refund-completed", "Refund completed", PAYMENTS, "Refund",
            "The money has been paid back.", "order_id amount currency date?"),
    Shipped("ticket-opened", "Request received", SUPPORT, "",
            "Customer support got a request.", "ticket_id ticket_url?"),
    Shipped("ticket-answered", "Request answered", SUPPORT, "",
            "Customer support answered.", "ticket_id answer ticket_url?"),
    Shipped("review-reminder", "Review reminder", MARKETING, "After an order",
            "Some days after a delivery.", "order_id items review_url", PROMOTIONAL),
    Shipped("cart-reminder", "Cart reminder", MARKETING, "Before an order",
            "A cart was left.", "items cart_url coupon?", PROMOTIONAL),
    Shipped("back-in-stock", "Back in stock", MARKETING, "Before an order",
            "A product can be ordered again.", "product_name product_url", PROMOTIONAL),
    Shipped("referral-applied", "Referral code used by a friend", MARKETING, "Referrals",
            "A friend used this person's code.", "friend_name reward", PROMOTIONAL),
    Shipped("referral-welcome", "Referred by a friend", MARKETING, "Referrals",
            "A person signed up with a friend's code.", "friend_name reward", PROMOTIONAL),
    Shipped("envelope-sent", "Envelope sent", PARTNERS, "Envelopes",
            "A mailbox sent an envelope.", ENVELOPE_VALUES),
    Shipped("envelope-received", "Envelope received", PARTNERS, "Envelopes",
            "An envelope reached a mailbox.", ENVELOPE_VALUES),
    Shipped("envelope-rejected", "Envelope rejected", PARTNERS, "Envelopes",
            "A recipient rejected an envelope.", ENVELOPE_VALUES),
    Shipped("envelope-completed", "Envelope completed", PARTNERS, "Envelopes",
            "Everything about an envelope is done.", ENVELOPE_VALUES),
    Shipped("envelope-expired", "Envelope expired", PARTNERS, "Envelopes",
            "The time of an envelope is over.", ENVELOPE_VALUES),
    Shipped("integration-file-failed", "File of a partner failed", PARTNERS, "Failures",
            "A partner's file was not processed.", "filename sender error_code error_text"),
    Shipped("integration-delivery-failed", "Delivery to a partner failed", PARTNERS, "Failures",
            "A file did not reach a partner.", "filename recipient error_code error_text"),
    Shipped("integration-certificate-expiring", "Certificate expires", PARTNERS, "Connections",
            "A certificate for AS2 expires soon.", "certificate expires_at recipient"),
    Shipped("integration-locked-out", "Sign-in locked out", PARTNERS, "Connections",
            "Somebody tried too many passwords at SFTP.", "ip_address recipient"),
)  # fmt: skip


def ensure_shipped_events() -> int:
    """Make those that never were; one that was deleted stays away. Answers how many were made."""
    keys = [row.key for row in SHIPPED]
    known = set(Event.objects.filter(key__in=keys).values_list("key", flat=True))
    if len(known) < len(keys):
        known.update(Event.history.filter(key__in=keys).values_list("key", flat=True))
    missing = [row for row in SHIPPED if row.key not in known]
    for row in missing:
        Event.objects.get_or_create(key=row.key, defaults=_fields(row))
    return len(missing)


def _fields(row: Shipped) -> dict[str, Any]:
    names = dict(_names(row))
    return {
        "name": row.name,
        "group": row.group,
        "sub_group": row.sub_group,
        "description": row.description,
        "category": row.category,
        "variables_schema": _schema(names),
        "sample_data": {name: VARIABLES[name][2] for name in names},
        "is_shipped": True,
    }


def _names(row: Shipped) -> Iterator[tuple[str, bool]]:
    """(name, whether it must be there)"""
    for word in row.variables.split():
        yield word.removesuffix("?"), not word.endswith("?")


def _schema(names: dict[str, bool]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name, is_needed in names.items() if is_needed],
        "properties": {
            name: {**VARIABLES[name][0], "description": VARIABLES[name][1]} for name in names
        },
    }
