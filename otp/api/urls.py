"""/api/v1/: one line per resource of this app."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from otp.api.configurations import Configurations
from otp.api.numbers import TestNumbers
from otp.api.one_time import OneTimePasswords
from otp.api.prefixes import BlockedPrefixes

router = SimpleRouter(use_regex_path=False)
router.register("otp", OneTimePasswords, basename="otp")
router.register("otp-blocked-prefixes", BlockedPrefixes)
router.register("otp-configurations", Configurations)
router.register("otp-test-numbers", TestNumbers)

urlpatterns = router.urls
