"""Every address of the Studio, asked for by people who may not: made from the URLs there are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import connection
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from campaigns.choices import ImportStatus
from omnichannel.models import (
    Consent,
    EventTrigger,
    FrequencyCap,
    GlobalVariable,
    Label,
    MessageAttachment,
    MessageEvent,
    ProviderRoute,
    ReceivedEvent,
    Suppression,
)
from otp import models
from otp.models import BlockedPrefix
from tests.factories import NOW, make_channel, make_message, make_provider
from tests.factories_api import make_api_key
from tests.factories_audience import make_import, make_member
from tests.factories_campaigns import make_calendar, make_campaign, make_run
from tests.factories_events import make_event, make_subscription
from tests.factories_outgoing_webhooks import make_delivery, make_outgoing_webhook
from tests.factories_templates import make_template, make_version
from tests.otp.factories import make_challenge, make_configuration, make_entry

pytestmark = pytest.mark.django_db

DIALOG = {"_form_submitted": "True", "post": "yes", "confirmed": "yes", "_save": "Save"}
# What everybody who is logged in may have. The rest of the API takes keys and no session: see
# omnichannel/api/test_every_route.py.
OPEN = re.compile(
    r"api/(docs|schema)/|admin/(|login/|logout/|search/|password_change/(done/)?|jsi18n/)|"
    r"admin/two-factor/.*|healthz|readyz|"
    r"|[tu]/.*"
)
# Its own secret lets callers in, nobody's session: see omnichannel/test_webhooks.py.
WEBHOOK = "webhooks/<uuid:key>/<str:token>/"
# For recipients, who have a token (see test_tracking_views, test_short_links, test_unsubscribe).
BY_TOKEN = re.compile(r"[stu]/")
IGNORED = {"sessions.session", "admin.logentry"}


def addresses(patterns=None, prefix: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from addresses(pattern.url_patterns, route)


ROUTES = sorted({route for route in addresses() if "(?P<url>" not in route})


def one_time_passwords() -> list:
    return [
        make_configuration(),
        make_challenge(),
        make_entry(),
        BlockedPrefix.objects.create(prefix="+1202555"),
        models.TestNumber.objects.create(destination="+12025550199", code="123456"),
    ]


@pytest.fixture
def rows():
    """{"app/model": a row} of everything that has a page."""
    provider = make_provider(is_active=True, stopped_at=timezone.now())
    message = make_message(provider=provider, status="failed")
    attached = MessageAttachment(message=message, name="a.txt")
    attached.file.save("a.txt", ContentFile(b"text"))
    template = make_template()
    make_version(template)
    sms = make_template(channel_type="sms")
    campaign = make_campaign()
    run = make_run(campaign)
    audience = campaign.audience
    stopped = make_outgoing_webhook(url="https://127.0.0.1/in", stopped_at=NOW)
    every = IntervalSchedule.objects.create(every=1, period="hours")
    event = make_event()
    found = [
        provider,
        message,
        make_channel(),
        run.job,
        campaign,
        audience,
        make_member(audience),
        make_calendar("12-25"),
        make_import("email\na@example.com\n", audience=audience, status=ImportStatus.UPLOADED),
        Label.objects.create(name="Sale"),
        Suppression.objects.create(channel_type="email", address="x@example.com"),
        make_api_key()[0],
        Consent.objects.create(channel_type="email", address="x@example.com"),
        GlobalVariable.objects.create(key="shop", value="Shop"),
        FrequencyCap.objects.create(),
        ProviderRoute.objects.create(channel_type="email", category="otp", provider=provider),
        event,
        make_subscription(event, template=template),
        EventTrigger.objects.create(event=event, event_key=event.key, source="api", at=NOW),
        MessageEvent.objects.create(message=message, provider=provider, type="sent", at=NOW),
        ReceivedEvent.objects.create(provider=provider, event_id="e1", type="sent", at=NOW),
        every,
        CrontabSchedule.objects.create(),
        ClockedSchedule.objects.create(clocked_time=NOW),
        SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=1),
        PeriodicTask.objects.create(name="Tick", task="omnichannel.tasks.send_otp", interval=every),
        User.objects.create(username="other"),
        stopped,
        make_delivery(stopped, status="given_up", due_at=None),
        *one_time_passwords(),
    ]
    pages = {row._meta.label_lower.replace(".", "/"): row for row in found}
    pages |= {"omnichannel/emailtemplate": template, "omnichannel/smstemplate": sms}
    pages["omnichannel/uncertainmessage"] = make_message(provider=provider, status="uncertain")
    pages["auth/group"] = apps.get_model("auth.group").objects.create(name="Operators")
    pages["attachment"] = attached
    pages["version"] = template.versions.get()
    return pages


def filled(route: str, rows, text: str = "") -> str:
    """The route as an address, of the row that exists or with `text` for its keys."""
    model = "/".join(route.split("/")[1:3])
    row = rows.get(model)
    key = text or (str(row.pk) if row else "1")
    address = route.replace("<int:attachment>", text or str(rows["attachment"].pk))
    address = address.replace("<int:version_id>", text or str(rows["version"].pk))
    address = address.replace("<int:event>", text or str(rows["omnichannel/event"].pk))
    address = address.replace("<int:template>", text or str(rows["omnichannel/emailtemplate"].pk))
    address = re.sub(r"\(\?P<app_label>[^)]*\)", "omnichannel", address)
    address = re.sub(r"\(\[\^/\]\+\)", key, address)
    return "/" + re.sub(r"<[^>]*>", key, address).replace("^", "").replace("$", "")


def contents() -> dict[str, list]:
    """All rows of all tables, but for logs and sessions."""
    return {
        model._meta.label_lower: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.label_lower not in IGNORED and not model._meta.proxy
    }


READS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")


class Watch:
    """Tells whether anything was changed; it looks only after a statement that may have done it."""

    def __init__(self) -> None:
        self.before = contents()
        self.has_written = False

    def __call__(self, execute, sql, *rest):
        self.has_written |= not sql.lstrip().startswith(READS)
        return execute(sql, *rest)

    def is_unchanged(self) -> bool:
        written, self.has_written = self.has_written, False
        return not written or contents() == self.before


@pytest.fixture
def watch(rows):
    watch = Watch()
    with connection.execute_wrapper(watch):
        yield watch
    assert contents() == watch.before


@pytest.fixture
def staff(client):
    """Somebody who may log in and has no right at all."""
    user = User.objects.create_user("staff", password="a-long-password", is_staff=True)
    client.force_login(user)
    client.raise_request_exception = False
    return client


@pytest.fixture
def viewer(staff):
    user = User.objects.get(username="staff")
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return staff


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_sees_or_changes_anything_without_logging_in(client, rows, method):
    before = contents()

    let_in = {
        address: response.status_code
        for route in ROUTES
        if route not in ("healthz", "readyz", "admin/login/", WEBHOOK)
        and not BY_TOKEN.match(route)
        and (response := getattr(client, method)(address := filled(route, rows))).status_code
        not in (401, 403, 405)
        and "/login/" not in response.headers.get("Location", "")
    }

    assert let_in == {"/": 302, "/admin/logout/": 302}
    assert contents() == before


def refused(response) -> bool:
    """Forbidden, or only sent on to a page that decides for itself."""
    return response.status_code in (302, 401, 403, 404, 405)


@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_rights_see_and_change_nothing(staff, rows, method):
    before = contents()

    let_in = {
        address: response.status_code
        for route in ROUTES
        if not OPEN.fullmatch(route)
        and not refused(response := getattr(staff, method)(address := filled(route, rows), DIALOG))
    }

    assert let_in == {}
    assert contents() == before


def test_who_may_only_look_changes_nothing(viewer, rows, watch):
    for route in ROUTES:
        if OPEN.fullmatch(route):
            continue
        response = viewer.post(filled(route, rows), DIALOG)
        assert watch.is_unchanged(), route
        assert response.status_code < 500, route


@pytest.mark.parametrize("text", ["none", "0", "\u00b2", "9" * 30, "_2F", "a" * 300])
def test_an_address_that_names_no_row_is_not_an_error_of_ours(admin_client, rows, text):
    admin_client.raise_request_exception = False

    broken = {
        address: response.status_code
        for route in ROUTES
        if (address := filled(route, rows, text)) != filled(route, rows, "another")
        and (response := admin_client.get(address)).status_code >= 500
    }

    assert not broken, "\n".join(broken)


def test_a_get_changes_nothing(admin_client, rows, watch):
    for route in ROUTES:
        if route == "admin/logout/":
            continue
        admin_client.get(filled(route, rows))
        assert watch.is_unchanged(), route
