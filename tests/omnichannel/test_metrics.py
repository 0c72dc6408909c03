from __future__ import annotations

import datetime
import re

import pytest
from django.core.cache import cache
from django.db import connection

from config.first_start import ensure_periodic_tasks
from omnichannel import metrics
from omnichannel.choices import ProcessRole
from tests.factories import NOW, make_message, make_provider
from tests.factories_audience import make_import
from tests.omnichannel.test_heartbeat import HOUR, make_heartbeat

pytestmark = pytest.mark.django_db
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'({NAME})(?:{{({NAME})="((?:[^"\\\n]|\\["\\n])*)"}})? ([0-9.e+-]+)')
MINUTE = datetime.timedelta(minutes=1)


def parse(text: str) -> dict[str, dict[str, float]]:
    """{family: {label value: number}}; refuses what Prometheus would refuse."""
    families: dict[str, dict[str, float]] = {}
    assert text.endswith("\n")
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in families
            assert next(lines) == f"# TYPE {name} gauge"
            families[name] = {}
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] == name, "samples follow their family's head"
        assert (match[3] or "") not in families[name]
        families[name][match[3] or ""] = float(match[4])
    return families


@pytest.fixture
def read(client, settings):
    cache.clear()
    settings.METRICS_TOKEN = "monitor"

    def read() -> dict[str, dict[str, float]]:
        response = client.get("/metrics", headers={"authorization": "Bearer monitor"})
        assert response["Content-Type"].startswith("text/plain; version=0.0.4")
        return parse(response.text)

    return read


def test_every_family_is_there_and_reads_as_prometheus_wants_it(read):
    ensure_periodic_tasks()

    found = read()

    database = "oldest_transaction_seconds" if connection.vendor == "postgresql" else "log_bytes"
    assert list(found) == [
        "studio_messages",
        "studio_oldest_due_seconds",
        "studio_oldest_uncertain_seconds",
        "studio_received_events",
        "studio_providers",
        "studio_jobs",
        "studio_sending_held",
        "studio_queue_workers",
        "studio_lost_processes",
        "studio_last_seen_seconds",
        f"studio_database_{database}",
        "studio_imports",
    ]
    assert found["studio_messages"] == dict.fromkeys(metrics.COUNTED, 0)
    assert set(found["studio_queue_workers"]) == {"default", "otp", "promotional", "transactional"}


def gauges() -> dict[str, dict[str, float]]:
    return parse(metrics.text(metrics.gauges(NOW)))


def test_messages_are_counted_by_state_and_aged():
    make_message(category="otp", created_at=NOW - MINUTE)
    make_message(status="uncertain", last_attempt_at=NOW - 3 * MINUTE)
    make_message(status="uncertain", created_at=NOW - 2 * MINUTE)
    make_message(status="sent")

    found = gauges()

    assert found["studio_messages"]["new"] == 1
    assert found["studio_messages"]["uncertain"] == 2
    assert found["studio_oldest_due_seconds"] == {
        "transactional": 0,
        "otp": 60,
        "promotional": 0,
    }
    assert found["studio_oldest_uncertain_seconds"] == {"": 180}


def test_providers_are_counted_by_what_they_can_do():
    make_provider()
    make_provider(resting_until=NOW - MINUTE)
    make_provider(resting_until=NOW + MINUTE)
    make_provider(stopped_at=NOW)
    make_provider(is_active=False, stopped_at=NOW)

    states = gauges()["studio_providers"]

    assert states == {"active": 2, "resting": 1, "stopped": 1, "inactive": 1}


def test_workers_are_counted_by_queue_and_roles_by_their_last_sign_of_life():
    ensure_periodic_tasks()
    make_heartbeat(queues="otp,default")
    make_heartbeat(queues="otp")
    make_heartbeat(queues="promotional", ago=HOUR)
    make_heartbeat(role=ProcessRole.SCHEDULER, ago=MINUTE)

    found = gauges()

    assert found["studio_queue_workers"] == {
        "default": 1,
        "otp": 2,
        "promotional": 0,
        "transactional": 0,
    }
    assert found["studio_lost_processes"] == {"": 2}
    seen = found["studio_last_seen_seconds"]
    assert set(seen) == {"worker", "scheduler"}
    assert seen["worker"] < 30 <= 60 <= seen["scheduler"] < 90


def test_a_label_is_escaped():
    gauge = metrics.Gauge("studio_queue_workers", "Help.", {'a"b\\c\nd': 1}, "queue")

    assert parse(metrics.text([gauge])) == {"studio_queue_workers": {r"a\"b\\c\nd": 1}}


def test_imports_that_are_not_over_are_counted(read):
    make_import(status="queued")
    make_import(status="finished")

    assert read()["studio_imports"] == {"queued": 1, "running": 0}


def test_measuring_takes_the_same_queries_however_many_rows_there_are(
    django_assert_max_num_queries,
):
    lane = make_message().lane
    for _ in range(8):
        make_message(provider=lane.provider, lane=lane)

    with django_assert_max_num_queries(17):
        list(metrics.gauges(NOW))
