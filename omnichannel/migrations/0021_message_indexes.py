from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower

from omnichannel.indexes import BuildIndex


class Migration(migrations.Migration):
    """Alone, so that they can be built beside those who write."""

    atomic = False
    dependencies = [("omnichannel", "0020_outgoing_webhooks")]

    operations = [
        BuildIndex(
            "message",
            models.Index(
                Lower("to_address"),
                condition=~Q(to_address=Lower("to_address")),
                name="message_to_lower",
            ),
        ),
        BuildIndex(
            "message",
            models.Index(
                fields=["id"],
                condition=~Q(bcc_addresses="", cc_addresses=""),
                name="message_with_copies",
            ),
        ),
    ]
