from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower

from omnichannel.indexes import BuildIndex


class Migration(migrations.Migration):
    """Alone, so that it can be built beside those who write."""

    atomic = False
    dependencies = [("campaigns", "0005_campaign_consent")]

    operations = [
        BuildIndex(
            "audiencemember",
            models.Index(
                Lower("email"), condition=~Q(email=Lower("email")), name="member_email_capitals"
            ),
        ),
    ]
