"""A client that a public generator made from the schema works against a real server."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest

from omnichannel.delivery import send_due
from omnichannel.models import MessageEvent
from tests.factories import NOW, make_message
from tests.factories_api import make_api_key
from tests.factories_events import make_routes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pool")]

PACKAGE = "studio_client"


class Refused(Exception):
    """The API's answer is a problem: it is the argument."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("client")


@pytest.fixture
def studio(live_server, folder, monkeypatch):
    """`studio.api("jobs.jobs_list", ...)` calls; `studio.model("Kind", ...)` is a body."""
    key = make_api_key()[1]
    if not (folder / PACKAGE).exists():
        generate(folder, f"{live_server.url}/api/schema/?format=json", key)
    monkeypatch.syspath_prepend(str(folder))
    client = load("client").AuthenticatedClient(
        base_url=live_server.url, token=key, raise_on_unexpected_status=True, timeout=60
    )

    def api(name: str, *arguments, **values):
        done = load(f"api.{name}").sync(*arguments, client=client, **values)
        if isinstance(done, load("models").Problem):
            raise Refused(done)
        return done

    def model(kind: str, **values):
        return getattr(load("models"), kind).from_dict(values)

    with client:
        yield SimpleNamespace(api=api, model=model)


def generate(folder, address: str, key: str) -> None:
    """Whatever the generator could not understand is an error."""
    schema = httpx.get(
        address, headers={"Authorization": f"Bearer {key}"}, timeout=60
    ).raise_for_status()
    (folder / "schema.json").write_text(schema.text)
    (folder / "config.yaml").write_text("post_hooks: []")  # it would format what it wrote
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    files = ["--path", "schema.json", "--config", "config.yaml", "--output-path", PACKAGE]
    done = subprocess.run(
        [*command, *files, "--fail-on-warning"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def load(name: str):
    return importlib.import_module(f"{PACKAGE}.{name}")


def send_all() -> None:
    assert send_due(("transactional",), until=time.monotonic() + 30)


def test_message_is_sent_and_its_outcome_read(studio):
    make_routes("email")
    content = {"subject": "Your order", "body_text": "It is on its way."}
    body = studio.model(
        "SubmissionRequest", to_address="ana@example.com", channel_type="email", **content
    )

    accepted = studio.api("messages.messages_create", body=body, idempotency_key="order-1")
    again = studio.api("messages.messages_create", body=body, idempotency_key="order-1")
    send_all()

    [queued] = accepted.messages
    assert again == accepted
    message = studio.api("messages.messages_retrieve", str(queued.key))
    assert (message.status.value, message.subject) == ("sent", "Your order")
    [log] = studio.api("communication_logs.communication_logs_list").results
    assert (log.id, log.to, log.status.value) == (queued.id, "ana@example.com", "sent")


def test_what_happened_to_a_message_is_read(studio):
    message = make_message()
    event = MessageEvent.objects.create(
        message=message, provider=message.provider, type="opened", at=NOW
    )

    [told] = studio.api("messages.messages_events_list", str(message.key)).results

    assert (told.id, told.at, told.type_.value) == (event.pk, NOW, "opened")


def test_instant_message_tells_what_its_provider_said(studio):
    make_routes("sms")
    body = studio.model(
        "InstantRequest", to_address="+12025550143", channel_type="sms", body_text="Ready."
    )

    reply = studio.api("messages.messages_instant_create", body=body)

    assert reply.status.value in ("sent", "delivered")


def test_event_is_made_subscribed_and_triggered(studio):
    make_routes("email")
    content = {"subject": "Parcel {{ event.number }}", "html": "<p>It is on its way.</p>"}
    sample = {"event": {"number": "1000"}}
    template = studio.model(
        "TemplateRequest", name="Parcel sent", content=content, sample_variables=sample
    )
    template = studio.api("templates.templates_create", body=template).id
    schema = {"type": "object", "required": ["number"], "properties": {"number": {}}}
    event = {"key": "parcel-sent", "name": "Parcel sent", "variables_schema": schema}
    sample = {"sample_data": {"number": "1000"}}
    studio.api("events.events_create", body=studio.model("EventRequest", **event, **sample))
    change = {"channel_type": "email", "is_subscribed": True, "template": template}
    changes = studio.model("ChangesRequest", subscriptions=[change])
    studio.api("events.events_subscriptions_update", "parcel-sent", body=changes)

    def trigger(**values):
        body = studio.model("TriggerRequest", recipient={"email": "bo@example.com"}, **values)
        return studio.api("events.events_trigger_create", "parcel-sent", body=body)

    with pytest.raises(Refused) as refused:
        trigger()
    done = trigger(variables={"number": "1001"})
    send_all()

    problem = refused.value.args[0]
    assert (problem.status, problem.errors[0].field) == (400, "variables.number")
    [message] = done.messages
    assert studio.api("messages.messages_retrieve", str(message.key)).status.value == "sent"
