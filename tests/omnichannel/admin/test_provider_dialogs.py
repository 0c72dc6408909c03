from __future__ import annotations

import socket

import pytest
from django.utils import timezone

from omnichannel.models import Message
from tests.factories import make_provider
from tests.omnichannel.admin.posted import PROVIDERS, SUBMITTED, client_with

pytestmark = pytest.mark.django_db


def ask(client, provider, action, **values):
    return client.post(f"{PROVIDERS}{provider.pk}/{action}/", {**SUBMITTED, **values})


@pytest.fixture
def deaf_port():
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_test_message_tells_what_the_provider_answered(admin_client):
    provider = make_provider()

    page = ask(admin_client, provider, "send_test_message", address="ana@example.com", text="Hi")

    message = Message.objects.get()
    assert message.status in ("sent", "delivered")
    assert f"/message/{message.pk}/change/" in page.content.decode()
    assert "answer-good" in page.content.decode()


def test_refused_test_message_tells_the_code(admin_client):
    provider = make_provider()

    page = ask(
        admin_client, provider, "send_test_message", address="a+reject@example.com", text="Hi"
    ).content.decode()

    assert "answer-bad" in page
    assert "550" in page


def test_test_message_to_a_malformed_address_is_refused(admin_client):
    page = ask(admin_client, make_provider(), "send_test_message", address="ana@", text="Hi")

    assert "not an e-mail address" in page.content.decode()
    assert not Message.objects.exists()


def test_check_tells_that_a_server_does_not_answer(admin_client, deaf_port):
    config = {"host": "127.0.0.1", "port": deaf_port, "security": "none"}
    provider = make_provider(backend="smtp", app_config=config)

    page = ask(admin_client, provider, "check_connection").content.decode()

    assert "answer-bad" in page
    assert "127.0.0.1" in page


def test_check_tells_that_it_works(admin_client):
    page = ask(admin_client, make_provider(), "check_connection").content.decode()

    assert "answer-good" in page


def test_check_of_an_unknown_type_is_told(admin_client):
    page = ask(admin_client, make_provider(backend="gone"), "check_connection").content.decode()

    assert "no provider type" in page


def test_stopped_provider_is_resumed(admin_client):
    provider = make_provider(stopped_at=timezone.now(), trouble="535", failures=3)

    response = ask(admin_client, provider, "resume")

    provider.refresh_from_db()
    assert "HX-Redirect" in response.headers
    assert (provider.stopped_at, provider.trouble, provider.failures) == (None, "", 0)


@pytest.mark.parametrize("action", ["send_test_message", "check_connection", "resume"])
def test_viewer_may_not_act(action):
    provider = make_provider(stopped_at=timezone.now())

    response = ask(client_with("view_channelprovider"), provider, action, address="a@example.com")

    provider.refresh_from_db()
    assert response.status_code == 403
    assert provider.stopped_at is not None


def test_opening_a_dialog_changes_nothing(admin_client):
    provider = make_provider(stopped_at=timezone.now())

    admin_client.get(f"{PROVIDERS}{provider.pk}/resume/")

    provider.refresh_from_db()
    assert provider.stopped_at is not None
