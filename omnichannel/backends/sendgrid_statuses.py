"""SendGrid's response codes and event names, in one table as the provider shows them."""

from __future__ import annotations

from omnichannel.backends.base import Status
from omnichannel.choices import Outcome

DOCUMENTATION = (
    "https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors"
)

_TABLE = (
    ("200", "OK", "Your message is valid, but it is not queued to be delivered."),
    ("202", "ACCEPTED", "Your message is both valid, and queued to be delivered."),
    ("400", "BAD REQUEST", ""),
    ("401", "UNAUTHORIZED", "You do not have authorization to make the request."),
    ("403", "FORBIDDEN", ""),
    ("404", "NOT FOUND", "The resource you tried to locate could not be found or does not exist."),
    ("405", "METHOD NOT ALLOWED", ""),
    (
        "413",
        "PAYLOAD TOO LARGE",
        "The JSON payload you have included in your request is too large.",
    ),
    ("415", "UNSUPPORTED MEDIA TYPE", ""),
    (
        "429",
        "TOO MANY REQUESTS",
        "The number of requests you have made exceeds the rate limitations.",
    ),
    ("500", "SERVER UNAVAILABLE", "An error occurred on the server."),
    ("503", "SERVICE NOT AVAILABLE", "The Email Gateway v3 Web API is not available."),
    ("bounce", "ERROR", "The receiving server could not accept the message."),
    ("delivered", "OK", "The email was sent successfully delivered to the recipient."),
    ("dropped", "ERROR", "The email will not be sent."),
    ("blocked", "TEMPORARY", "A bounce that says nothing about the address."),
    ("deferred", "TEMPORARY", "The receiving server asked to wait. SendGrid tries for 72 hours."),
    ("processed", "OK", "SendGrid has the message and is ready to deliver it."),
    ("open", "OK", "The message was opened."),
    ("click", "OK", "A link in the message was clicked."),
    ("spamreport", "COMPLAINT", "The recipient marked the message as spam."),
    ("unsubscribe", "UNSUBSCRIBED", "The recipient unsubscribed from everything."),
    ("group_unsubscribe", "UNSUBSCRIBED", "The recipient unsubscribed from a group."),
    ("group_resubscribe", "SUBSCRIBED", "The recipient subscribed to a group again."),
)
_NOTES = {"open", "click", "spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe"}
_OUTCOMES = {
    "202": Outcome.ACCEPTED,
    "401": Outcome.AUTH,
    "403": Outcome.AUTH,
    "404": Outcome.AUTH,  # the Service URL is wrong: no message is to blame
    "405": Outcome.AUTH,
    "429": Outcome.THROTTLED,
    "500": Outcome.TEMPORARY,
    "503": Outcome.TEMPORARY,
    "delivered": Outcome.DELIVERED,
    "blocked": Outcome.TEMPORARY,
    "deferred": Outcome.TEMPORARY,
    "processed": Outcome.ACCEPTED,
    **dict.fromkeys(_NOTES, ""),
}
STATUSES = tuple(
    Status(code, reason, _OUTCOMES.get(code, Outcome.REJECTED), description, DOCUMENTATION)
    for code, reason, description in _TABLE
)
