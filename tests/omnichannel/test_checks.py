from __future__ import annotations

import pytest
from redis import Redis

from omnichannel import checks
from omnichannel.models import FrequencyCap


def test_keys_made_by_the_machine_are_warned_of_in_production(monkeypatch):
    monkeypatch.delenv("SECRET_KEY")

    assert [warning.id for warning in checks.check_keys_are_given()] == ["omnichannel.W001"]


def test_workers_on_sqlite_are_warned_of(settings):
    settings.IS_EMBEDDED, settings.IS_SQLITE = False, True
    assert checks.check_workers_have_a_server()

    settings.IS_SQLITE = False
    assert not checks.check_workers_have_a_server()


@pytest.mark.parametrize(
    ("url", "errors"),
    [("", 0), ("https://studio.example.com", 0), ("studio.example.com", 1), ("https://", 1)],
)
def test_public_url_must_be_a_web_address(settings, url, errors):
    settings.PUBLIC_URL = url

    assert len(checks.check_public_url()) == errors


@pytest.mark.parametrize(("policy", "warned"), [("allkeys-lru", 1), ("noeviction", 0), ("", 0)])
def test_a_redis_that_may_throw_queues_away_is_warned_of(policy, warned, monkeypatch):
    monkeypatch.setattr(checks, "eviction_policy", lambda url: policy)

    assert len(checks.check_broker_keeps_everything()) == warned


def test_the_eviction_policy_is_asked_of_redis_itself(broker_url):
    with Redis.from_url(broker_url) as client:
        policy = client.config_get("maxmemory-policy")["maxmemory-policy"]

    assert checks.eviction_policy(broker_url) == policy


@pytest.mark.parametrize("url", ["memory://", "amqp://guest@127.0.0.1//", "redis://127.0.0.1:1/0"])
def test_a_broker_that_is_another_or_does_not_answer_is_not_judged(settings, url):
    settings.CELERY_BROKER_URL = url

    assert checks.check_broker_keeps_everything() == []


@pytest.mark.parametrize(
    ("days", "values", "warned"),
    [
        (6, {"period": "week"}, 1),
        (7, {"period": "week"}, 0),
        (1, {"period": "day"}, 0),
        (0, {"period": "week"}, 0),
        (6, {"period": "week", "is_active": False}, 0),
    ],
)
@pytest.mark.django_db
def test_a_cap_that_counts_for_longer_than_messages_are_kept_is_warned_of(
    settings, days, values, warned
):
    FrequencyCap.objects.create(channel_type="email", number=3, **values)
    settings.KEEP_MESSAGES_DAYS = days

    found = checks.check_caps_are_not_forgotten(databases=["default"])

    assert [warning.id for warning in found] == ["omnichannel.W006"] * warned
