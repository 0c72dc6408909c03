"""A campaign's report against a count by hand."""

from __future__ import annotations

import csv
import datetime
import io
import random
from collections import Counter

import pytest
from django.core.cache import cache
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns import report as reports
from campaigns import report_check, report_table
from omnichannel.choices import EventType, JobStatus, MessageStatus
from omnichannel.models import Job, Message, MessageEvent, ProviderStatus
from tests.factories import NOW, make_message
from tests.factories_campaigns import make_campaign, make_published_template, make_run
from tests.factories_reports import make_event, make_many

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


HOUR = datetime.timedelta(hours=1)
DOMAINS = ["example.com", "example.net", "example.org", "mail.example.com"]


def make_ended_run(campaign=None, **values):
    values = {"status": JobStatus.FINISHED, "finished_at": NOW, "expected": 0, **values}
    run = make_run(campaign or make_campaign(), **values)
    run.written_at = NOW
    run.save()
    return run


def fill(run, **values):
    """A message of the run."""
    return make_message(provider=run.job.provider, job=run.job, **values)


def report_of(*runs, at=NOW):
    return reports.of(list(runs), at)


def line(report, name):
    return next(line for line in report_table.lines(report) if line.name == name)


def test_a_message_counts_once_however_often_it_was_opened():
    run = make_ended_run()
    opened, _ = fill(run, status="sent"), fill(run, status="sent")
    for _ in range(3):
        make_event(opened, "opened")

    found = line(report_of(run), "Opened")

    assert (found.number, found.base, found.rate) == (1, 2, 50.0)


def test_what_machines_opened_stands_apart():
    run = make_ended_run()
    message = fill(run, status="sent")
    make_event(message, "opened", is_machine=True)
    make_event(message, "clicked", is_machine=True, code="1")

    report = report_of(run)

    assert line(report, "Opened").number == 0
    assert line(report, "Opened by machines").number == 1
    assert line(report, "Clicked").number == 0
    assert report.links == ()
    assert not any(report.series.values["opened"])


def test_what_bounced_later_was_sent():
    run = make_ended_run()
    bounced = fill(run, status="failed")
    make_event(bounced, "sent")
    make_event(bounced, "bounced")
    fill(run, status="failed")

    report = report_of(run)

    assert line(report, "Sent").number == 1
    assert line(report, "Bounced").rate == 100.0
    assert line(report, "Failed").number == 2


def test_failures_have_the_reason_of_the_provider():
    run = make_ended_run()
    table = ProviderStatus.objects.create(
        provider=run.job.provider, code="550", reason="No such mailbox", outcome="rejected"
    )
    for _ in range(2):
        fill(run, status="failed", error_code="550", provider_status=table)
    fill(run, status="failed", error_code="421")

    assert report_of(run).failures == (
        reports.Failure("550", "No such mailbox", 2),
        reports.Failure("421", "", 1),
    )


def test_rare_codes_are_one_line(monkeypatch):
    monkeypatch.setattr(reports, "TOP", 2)
    run = make_ended_run()
    for code in ("1", "1", "2", "2", "3", "4"):
        fill(run, status="failed", error_code=code)

    assert report_of(run).failures[-1] == reports.Failure("", "Other codes", 2)


def test_rare_domains_are_one_line(monkeypatch):
    monkeypatch.setattr(reports, "TOP", 2)
    run = make_ended_run()
    for number, domain in enumerate(["a", "a", "a", "b", "b", "c", "d"]):
        message = fill(run, status="sent", to_address=f"p{number}@{domain}.example.com")
        make_event(message, "opened")

    report = report_of(run)

    named = [(domain.name, domain.recipients) for domain in report.domains]
    assert named == [("a.example.com", 3), ("b.example.com", 2)]
    assert report.other_domains.recipients == 2
    assert report.other_domains.reached["opened"] == 2


def test_a_quoted_at_sign_is_not_the_domain():
    run = make_ended_run()
    fill(run, to_address='"a@b"@Example.com')

    assert [domain.name for domain in report_of(run).domains] == ["example.com"]


def test_phone_numbers_have_no_domain():
    run = make_ended_run(channel_type="sms")
    fill(run, to_address="+12025550143")

    report = report_of(run)

    assert report.domains == ()
    assert report.other_domains is None


def test_clicks_are_grouped_by_the_link_of_the_template():
    html = (
        '<a href="https://example.com/p/{{ id }}">A</a><a name="x">no link</a>'
        '<area href="https://example.com/b?c=1&amp;d=2">'
    )
    campaign = make_campaign(template=make_published_template(compiled_html=html))
    run = make_ended_run(campaign)
    for number in range(3):
        message = fill(run, status="sent")
        make_event(message, "clicked", code="1", url=f"https://example.com/p/{number}")
        make_event(message, "clicked", code="1", url=f"https://example.com/p/{number}")
    make_event(message, "clicked", code="2", url="https://example.com/b?c=1&d=2")
    make_event(message, "clicked", code="7", url="https://example.com/gone")

    links = [(x.number, x.href, x.clicks, x.messages) for x in report_of(run).links]

    assert links == [
        ("1", "https://example.com/p/{{ id }}", 6, 3),
        ("2", "https://example.com/b?c=1&d=2", 1, 1),
        ("7", "https://example.com/gone", 1, 1),
    ]


def test_clicks_that_a_vendor_told_are_grouped_by_address():
    run = make_ended_run()
    first, second = fill(run, status="sent"), fill(run, status="sent")
    make_event(first, "clicked", code="click", url="https://example.com/a")
    make_event(first, "clicked", code="click", url="https://example.com/b")
    make_event(second, "clicked", code="click", url="https://example.com/b")

    report = report_of(run)

    assert [(x.number, x.href, x.clicks, x.messages) for x in report.links] == [
        ("", "https://example.com/b", 2, 2),
        ("", "https://example.com/a", 1, 1),
    ]
    assert not list(report_check.differences(run, report))


def test_a_template_that_disagrees_with_a_click_is_not_believed():
    html = '<a href="https://example.com/other">A</a>'
    run = make_ended_run(make_campaign(template=make_published_template(compiled_html=html)))
    make_event(fill(run), "clicked", code="1", url="https://example.com/clicked")

    assert report_of(run).links[0].href == "https://example.com/clicked"


def test_deleted_messages_are_counted_and_told():
    run = make_ended_run()
    make_event(fill(run, status="sent"), "opened")
    Job.objects.filter(pk=run.job_id).update(purged_counts={"sent": 7, "failed": 2})
    run.job.refresh_from_db()

    report = report_of(run)

    assert (report.recipients, report.purged) == (10, 9)
    assert line(report, "Failed").rate == 20.0
    assert line(report, "Opened").rate is None
    assert not line(report, "Opened").is_known


def test_deleted_events_are_told(settings):
    settings.KEEP_EVENTS_DAYS = 30
    run = make_ended_run()
    make_event(fill(run, status="sent"), "opened")

    assert line(report_of(run, at=NOW + 29 * 24 * HOUR), "Opened").rate == 100.0
    assert line(report_of(run, at=NOW + 31 * 24 * HOUR), "Opened").rate is None


def test_two_runs_add_up():
    campaign = make_campaign()
    first, second = make_ended_run(campaign), make_ended_run(campaign)
    make_event(fill(first, status="sent"), "opened")
    make_event(fill(second, status="delivered"), "opened")

    report = report_of(first, second)

    assert (report.recipients, report.sent, report.reached["opened"]) == (2, 2, 2)


@pytest.mark.parametrize(
    ("status", "expanded", "seconds"),
    [("finished", 1, 120), ("running", 1, 10), ("finished", 300_000, 600), ("paused", 300_000, 50)],
)
def test_a_report_is_kept_shorter_while_it_runs_and_longer_when_it_is_big(
    status, expanded, seconds
):
    run = make_ended_run(status=status, expanded=expanded)
    first = reports.recent([run], NOW)
    fill(run)

    almost = NOW + datetime.timedelta(seconds=seconds - 1)
    assert reports.recent([run], almost) == first
    after = NOW + datetime.timedelta(seconds=seconds)
    assert reports.recent([run], after).by_status == {"new": 1}


def test_nobody_waits_for_a_count_that_somebody_else_has_begun(monkeypatch):
    run = make_ended_run()
    first = reports.recent([run], NOW)
    later = NOW + HOUR
    counted = reports.of
    seen = []

    def count(runs, at):
        seen.append(reports.recent(runs, at))  # the other reader, meanwhile
        return counted(runs, at)

    monkeypatch.setattr(reports, "of", count)
    second = reports.recent([run], later)

    assert seen == [first]
    assert second.made_at == later
    assert reports.recent([run], later) == second


def test_the_file_has_every_table_and_no_formula():
    run = make_ended_run()
    message = fill(run, status="failed", error_code="=1+1")
    make_event(message, "clicked", code="1", url="=HYPERLINK(1)")

    data = report_table.as_csv(report_of(run)).decode("utf-8-sig")

    rows = list(csv.DictReader(io.StringIO(data)))
    assert {row["Part"] for row in rows} == {
        "Figures",
        "Links",
        "Failures",
        "Domains",
        "Events by hour",
    }
    assert not [cell for row in rows for cell in row.values() if cell.startswith("=")]


def test_reconcile_tells_a_report_that_its_rows_do_not_bear_out(monkeypatch, capsys):
    run = make_ended_run(expected=1, expanded=1)
    make_event(fill(run, status="sent"), "opened")
    call_command("reconcile")
    wrong = report_check.figures(report_of(run)) | {"messages opened": 5}
    monkeypatch.setattr(report_check, "figures", lambda _: wrong)

    with pytest.raises(Exception, match="Differences"):
        call_command("reconcile", "--fix")

    told = capsys.readouterr().out
    assert "report, messages opened is 5, its rows say 1" in told


class AgainstByHand(TestCase):
    """Random messages and events, counted one by one."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def test_every_figure_is_what_a_count_by_hand_says(self, seed):
        draw = random.Random(seed)
        run, other = make_ended_run(), make_ended_run()
        messages = _random_messages(draw, run) + _random_messages(draw, other)
        events = _random_events(draw, messages)
        mine = {m.pk: m for m in messages if m.job_id == run.job_id}

        report = report_of(run)

        of_mine = [event for event in events if event.message_id in mine]
        assert report.by_status == Counter(m.status for m in mine.values())
        assert report.reached == _reached(of_mine)
        assert report.sent == _sent(mine, of_mine)
        _check_links(report, of_mine)
        _check_domains(report, mine, of_mine)
        _check_series(report, of_mine)
        assert not list(report_check.differences(run, report))


def _random_messages(draw, run):
    count = draw.randrange(0, 25)
    ids = make_many(
        count,
        provider=run.job.provider,
        job=run.job,
        status=draw.choices(MessageStatus.values, k=count),
        to_address=[f"p{number}@{draw.choice(DOMAINS)}" for number in range(count)],
    )
    return list(Message.objects.filter(pk__in=ids))


def _random_events(draw, messages):
    if not messages:
        return []
    spread = draw.choice([5, 2_000, 20_000])
    return MessageEvent.objects.bulk_create(
        MessageEvent(
            message=(message := draw.choice(messages)),
            provider_id=message.provider_id,
            type=draw.choice(["opened", "clicked", "sent", *EventType.values]),
            is_machine=draw.random() < 0.2,
            code=draw.choice(["", "1", "2", "click"]),
            url=draw.choice(["https://example.com/", "https://example.com/b"]),
            at=NOW + draw.randrange(spread) * HOUR,
        )
        for _ in range(draw.randrange(0, 80))
    )


def _word(event):
    return event.type + ("_by_machine" if event.is_machine else "")


def _reached(events):
    told = ("opened", "clicked", "bounced", "complained", "unsubscribed")
    pairs = {(_word(event), event.message_id) for event in events if event.type in told}
    return Counter(word for word, _ in pairs)


def _sent(messages, events):
    took = {event.message_id for event in events if event.type in ("sent", "delivered")}
    taken = [m for m in messages.values() if m.status in ("sent", "delivered")]
    return len(taken) + len([m for m in messages.values() if m.status == "failed" and m.pk in took])


def _check_links(report, events):
    clicks = [event for event in events if event.type == "clicked" and not event.is_machine]
    for link in report.links:
        of_link = [event for event in clicks if _link(event) == (link.number or link.href)]
        assert link.clicks == len(of_link)
        assert link.messages == len({event.message_id for event in of_link})
    assert {link.number or link.href for link in report.links} == set(map(_link, clicks))


def _link(event):
    return event.code if event.code.isdigit() else event.url


def _check_domains(report, messages, events):
    domains = {pk: m.to_address.split("@")[1] for pk, m in messages.items()}
    counts = Counter(domains.values())
    assert {domain.name: domain.recipients for domain in report.domains} == counts
    for domain in report.domains:
        inside = [event for event in events if domains[event.message_id] == domain.name]
        assert +domain.reached == _reached(inside)


def _check_series(report, events):
    for kind, values in report.series.values.items():
        assert len(values) == len(report.series.labels)
        assert sum(values) == len([e for e in events if e.type == kind and not e.is_machine])
    assert list(report.series.labels) == sorted(set(report.series.labels))
