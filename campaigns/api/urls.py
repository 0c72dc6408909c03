"""/api/v1/: one line per resource of this app."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from campaigns.api.audiences import Audiences
from campaigns.api.calendars import Calendars
from campaigns.api.campaigns import Campaigns
from campaigns.api.imports import Imports
from campaigns.api.members import Members

router = SimpleRouter(use_regex_path=False)
router.register("audience-imports", Imports)
router.register("audiences", Audiences)
router.register("audiences/<int:audience_id>/members", Members)
router.register("calendars", Calendars)
router.register("campaigns", Campaigns)

urlpatterns = router.urls
