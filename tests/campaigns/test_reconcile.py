from __future__ import annotations

import time
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from campaigns import progress, runner
from campaigns.expansion import expand
from campaigns.models import Audience, CampaignRun
from omnichannel.backends.sandbox import Sandbox
from omnichannel.models import Job, JobSample, Message
from tests.factories import NOW, make_message, make_provider
from tests.factories_campaigns import make_campaign, make_people
from tests.factories_outgoing import make_config, make_outgoing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_sandbox(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    cache.clear()


@pytest.fixture
def run():
    """A run that has ended, sent through a provider without a ledger; its counts are right."""
    people = ["a@example.com", "b@example.com", "", "a@example.com "]
    smtp = make_provider(backend="smtp")
    campaign = make_campaign(audience=make_people(people), provider=smtp, name="Spring")
    job = runner.start(campaign, by=None, at=NOW)
    expand(job, at=NOW, until=time.monotonic() + 60)
    Message.objects.update(status="sent", attempts=2, retry_attempt=1)
    progress.follow(NOW)
    return CampaignRun.objects.get()


def reconcile(*arguments) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments) -> str:
    """What is printed when the command ends with 1."""
    out = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("reconcile", *arguments, stdout=out)
    assert raised.value.returncode == 1
    return out.getvalue()


def test_counts_that_agree_are_no_difference(run):
    assert reconcile() == "No differences.\n"


BREAKS = {
    "expanded": (lambda: Job.objects.update(expanded=5), "expanded is 5, its rows say 2"),
    "expected": (lambda: Job.objects.update(expected=3), "expected is 3, its rows say 4"),
    "records": (
        lambda: Audience.objects.update(records_count=9),
        "records is 9, its rows say 4",
    ),
    "sample": (
        lambda: JobSample.objects.update(taken=1),
        "last sample, sent is 1, its rows say 2",
    ),
    "pending": (
        lambda: Message.objects.filter(to_address="a@example.com").update(status="new"),
        "is finished: what it says is pending is 0, its rows say 1",
    ),
    "retries": (
        lambda: Message.objects.update(retry_attempt=7),
        "does not fit their attempts: the number is 2, its rows say 0",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_wrong_count_is_named_and_corrected_when_asked(run, name):
    break_it, text = BREAKS[name]
    break_it()

    told = refused()
    untouched = refused()
    fixed = reconcile("--fix")

    assert text in told
    assert untouched == told
    assert f"{text}: corrected" in fixed
    assert reconcile() == "No differences.\n"


def test_the_name_of_a_count_says_whose_it_is(run):
    Job.objects.update(expanded=5)

    assert f"job {run.job_id} “Spring”: expanded is 5" in refused()


def test_a_run_that_is_being_written_is_no_difference():
    campaign = make_campaign(provider=make_provider(backend="smtp"))
    job = runner.start(campaign, by=None, at=NOW)
    expand(job, at=NOW, until=time.monotonic() + 60, page_size=1)
    CampaignRun.objects.update(written_at=None)

    assert reconcile() == "No differences.\n"


def ledger_of(tmp_path, *lines):
    path = tmp_path / "ledger"
    path.write_text("".join(f"{line}\n" for line in lines))
    return "--ledger", str(path)


def line(message):
    return f"{message.to_address} <{message.key}@example.com>"


def test_a_ledger_that_agrees_is_no_difference(run, tmp_path):
    lines = [line(message) for message in Message.objects.all()]

    assert reconcile(*ledger_of(tmp_path, *lines)) == "No differences.\n"


def test_what_is_in_one_and_not_in_the_other_is_printed(run, tmp_path):
    first, second = Message.objects.order_by("id")
    new = make_message(provider=first.provider, status="new")
    stranger = "x@example.com <0198c0de-0000-7000-8000-000000000000@example.com>"

    told = refused(*ledger_of(tmp_path, line(first), line(first), line(new), stranger))

    for text in (
        f"sent, but not in the ledger: message {second.pk} to {second.to_address}",
        f"in the ledger more than once: {first.to_address} {first.key}: 2 times",
        f"in the ledger, but not sent: message {new.pk} to {new.to_address} ({new.key}): New",
        "in the ledger, but no message here: x@example.com 0198c0de-0000",
    ):
        assert text in told
    assert len(told.splitlines()) == 4


def test_an_uncertain_message_in_the_ledger_is_told_of_and_no_difference(run, tmp_path):
    lines = [line(message) for message in Message.objects.all()]
    message = make_message(provider=run.job.provider, status="uncertain")

    told = reconcile(*ledger_of(tmp_path, *lines, line(message)))

    assert f"uncertain, and in the ledger: it arrived: message {message.pk}" in told


def test_a_message_that_was_taken_and_bounced_later_is_no_difference(run, tmp_path):
    lines = [line(message) for message in Message.objects.all()]
    bounced = Message.objects.first()
    bounced.events.create(provider=bounced.provider, type="sent", at=NOW)
    Message.objects.filter(pk=bounced.pk).update(status="failed")
    progress.recount(run)

    assert reconcile(*ledger_of(tmp_path, *lines)) == "No differences.\n"


def test_the_ledger_of_one_provider_says_nothing_about_another(run, tmp_path):
    other = make_message(provider=make_provider(backend="smtp", name="Other"), status="sent")

    told = reconcile(*ledger_of(tmp_path, line(other)), "--provider", "Other")

    assert told == "No differences.\n"


def test_long_lists_are_cut_and_counted(run, tmp_path):
    told = refused(*ledger_of(tmp_path), "--limit", "1")

    assert told.count("sent, but not in the ledger: message") == 1
    assert "sent, but not in the ledger: 1 more" in told


def test_the_sandbox_is_asked_for_its_own_ledger(tmp_path):
    provider = make_provider(name="Box")
    had, new = [make_message(provider=provider, status="sent") for _ in range(2)]
    backend = Sandbox(make_config(name="Box"))
    list(backend.deliver([make_outgoing(key=str(had.key), to=had.to_address)]))
    agreed = reconcile()
    list(backend.deliver([make_outgoing(key=str(new.key), to=new.to_address)]))
    Message.objects.filter(pk=new.pk).update(status="new")

    told = refused()

    assert agreed == "No differences.\n"
    assert f"Box: in the ledger, but not sent: message {new.pk}" in told


@pytest.mark.parametrize("arguments", [("--ledger", "/nowhere"), ("--provider", "Nobody")])
def test_what_is_not_there_is_told(arguments, tmp_path):
    extra = () if "--ledger" in arguments else ledger_of(tmp_path)

    with pytest.raises(CommandError, match="There is no"):
        call_command("reconcile", *arguments, *extra)
