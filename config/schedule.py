"""All that runs by itself, on one screen.

Made once after migrate (get-or-create); from then on the rows belong to the operator, under
System > Periodic tasks.
"""

from __future__ import annotations

from typing import NamedTuple


class Periodic(NamedTuple):
    name: str
    task: str
    seconds: int
    queue: str = "default"


PERIODIC_TASKS = (
    Periodic("Send one-time passwords", "omnichannel.tasks.send_otp", 1, "otp"),
    Periodic(
        "Send transactional messages", "omnichannel.tasks.send_transactional", 1, "transactional"
    ),
    Periodic("Send promotional messages", "omnichannel.tasks.send_promotional", 1, "promotional"),
    Periodic("Apply what providers told", "omnichannel.tasks.apply_receipts", 1),
    Periodic("Write what outgoing webhooks tell", "omnichannel.tasks.tell_webhooks", 1),
    Periodic("Call outgoing webhooks", "omnichannel.tasks.call_webhooks", 1),
    Periodic("Read the bounce mailboxes", "omnichannel.tasks.read_bounces", 60),
    Periodic("Promote messages whose time has come", "omnichannel.tasks.promote_due_messages", 2),
    Periodic("Expire messages", "omnichannel.tasks.expire_messages", 30),
    Periodic("Recover messages of dead workers", "omnichannel.tasks.recover_messages", 10),
    Periodic("Cancel what waits before sending is released", "omnichannel.tasks.release_held", 2),
    Periodic("Watch the database", "omnichannel.tasks.watch_database", 60),
    Periodic("Finish what other systems submitted", "omnichannel.tasks.finish_jobs", 5),
    Periodic("Delete what is old", "omnichannel.tasks.purge_old", 300),
    Periodic("Watch uncertain messages", "omnichannel.tasks.watch_uncertain_messages", 60),
    Periodic("Send one-time passwords by the other channel", "otp.tasks.otp_fallback", 2, "otp"),
    Periodic("Delete old one-time passwords", "otp.tasks.otp_cleanup", 60),
    Periodic("Process documents of partners", "integrations.tasks.process_transmissions", 2),
    Periodic("Deliver envelopes", "integrations.tasks.deliver_envelopes", 2),
    Periodic("Send documents by AS2", "integrations.tasks.send_as2", 5),
    Periodic("Watch for receipts of AS2", "integrations.tasks.check_async_mdn", 60),
    Periodic("Watch certificates", "integrations.tasks.certificate_watch", 86_400),
    Periodic("Expire envelopes", "integrations.tasks.expire_envelopes", 300),
    Periodic("Delete old documents", "integrations.tasks.purge_documents", 3600),
    Periodic("Import audiences", "campaigns.tasks.run_audience_imports", 1),
    Periodic("Delete audiences", "campaigns.tasks.remove_audiences", 5),
    Periodic("Start scheduled campaigns", "campaigns.tasks.start_due_campaigns", 5),
    Periodic("Write the messages of campaigns", "campaigns.tasks.expand_jobs", 1),
    Periodic("Follow running campaigns", "campaigns.tasks.follow_jobs", 2),
)
