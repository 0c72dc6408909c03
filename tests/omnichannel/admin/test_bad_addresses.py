"""Nonsense in the address bar: never a server error."""

from __future__ import annotations

import pytest

from tests.factories import make_message
from tests.omnichannel.admin.posted import MESSAGES, PROVIDERS, SUBMITTED

pytestmark = pytest.mark.django_db
PAGES = [
    f"{MESSAGES}x/requeue/",
    f"{MESSAGES}99999999999999999999/cancel/",
    f"{MESSAGES}77/requeue/",
    f"{MESSAGES}x/change/",
    f"{MESSAGES}77/shown/",
    f"{MESSAGES}x/shown/",
    f"{PROVIDERS}x/resume/",
    f"{PROVIDERS}x/send_test_message/",
    f"{PROVIDERS}77/check_connection/",
    f"{MESSAGES}?q=%00",
    f"{MESSAGES}?error_code=%00",
    f"{MESSAGES}?job__id__exact=x",
    f"{MESSAGES}?status__exact=x",
    f"{MESSAGES}?created_at_from_0=x&created_at_from_1=y",
    f"{MESSAGES}?p=x",
    f"{MESSAGES}?p=999999",
    f"{MESSAGES}?q=%F0%9F%98%80",
    f"{MESSAGES}?o=99",
    f"{MESSAGES}sandbox/?q=%00&provider=%00",
    f"{PROVIDERS}?state=x",
]


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_is_refused_not_failed(admin_client, page):
    make_message()

    got = admin_client.get(page)
    posted = admin_client.post(page, {**SUBMITTED, "address": "ana@example.com", "text": "x"})

    assert got.status_code < 500
    assert posted.status_code < 500
