from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from omnichannel import (
    installation,
    lifecycle,
    releasing,
    witness,
)
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import Installation
from omnichannel.releasing import Release
from tests.factories import NOW, make_mailbox, make_message
from tests.factories_campaigns import make_campaign
from tests.omnichannel.installations import hold


@pytest.fixture
def shared(transactional_db, here):
    return here


@pytest.mark.parametrize("choice", list(Release))
def test_after_a_release_no_host_holds_it_again(shared, settings, tmp_path, choice):
    installation.look(NOW)
    Installation.objects.update(counter=1)
    installation.look(NOW)
    other = tmp_path / "another host"
    other.mkdir()
    (other / "witness.json").write_text(witness.path().read_text())

    releasing.begin(choice, by="ana", at=NOW + timedelta(minutes=5))
    releasing.go_on(NOW, until=math.inf)

    assert not installation.look(NOW + timedelta(minutes=5))
    settings.VAR_DIR = other
    assert not installation.look(NOW + timedelta(minutes=5))


@pytest.mark.parametrize("choice", list(Release))
@pytest.mark.django_db
def test_a_copy_takes_no_reports_out_of_the_mailboxes_of_the_original(here, choice):
    mailbox = make_mailbox()
    hold()

    releasing.begin(choice, by="ana", at=NOW)

    mailbox.refresh_from_db()
    assert mailbox.is_active == (choice != Release.COPY)


@pytest.mark.django_db
def test_a_release_cancels_what_waited_and_leaves_what_came_after(here):
    waited = [make_message(status=status, created_at=NOW) for status in ("new", "scheduled")]
    waited.append(make_message(status="error", created_at=NOW))
    later = make_message(status="new", created_at=NOW + timedelta(hours=2))
    settled = make_message(status="sent", created_at=NOW)
    hold(held_since=NOW + timedelta(hours=1))

    releasing.begin(Release.CANCEL, by="ana", at=NOW + timedelta(hours=3))
    is_held_meanwhile = installation.look(NOW)
    releasing.go_on(NOW, until=math.inf)

    assert is_held_meanwhile
    for message in [*waited, later, settled]:
        message.refresh_from_db()
    assert {message.status for message in waited} == {"cancelled"}
    assert later.status == "new"
    assert settled.status == "sent"
    assert not installation.look(NOW + timedelta(hours=3))


@pytest.mark.django_db
def test_a_copy_cancels_all_that_waits_and_all_that_is_scheduled(here):
    late = make_message(created_at=timezone.now() - timedelta(seconds=1))
    campaign = make_campaign(status="scheduled", starts_at=timezone.now() + timedelta(days=1))
    before = hold().uuid

    call_command("release_hold", "--new-identity")

    late.refresh_from_db()
    campaign.refresh_from_db()
    assert (late.status, campaign.status) == ("cancelled", "cancelled")
    assert Installation.objects.get().uuid != before


@pytest.mark.django_db
def test_the_only_deployment_keeps_what_is_scheduled_for_later(here):
    campaign = make_campaign(status="scheduled", starts_at=timezone.now() + timedelta(days=1))
    hold()

    call_command("release_hold")

    campaign.refresh_from_db()
    assert campaign.status == "scheduled"


@pytest.mark.django_db
def test_it_is_released_once(here):
    hold()
    releasing.begin(Release.CANCEL, by="ana", at=NOW)

    with pytest.raises(IllegalTransition, match="already"):
        releasing.begin(Release.SEND, by="bob", at=NOW)
    assert Installation.objects.get().confirmed_by == "ana"


@pytest.mark.django_db
def test_the_command_says_that_there_is_nothing_to_release(here):
    with pytest.raises(CommandError, match="not held"):
        call_command("release_hold")


@pytest.mark.django_db
def test_a_release_that_is_broken_off_goes_on_and_holds_until_its_end(here, monkeypatch):
    monkeypatch.setattr(releasing, "PAGE", 2)
    for _ in range(5):
        make_message(created_at=NOW)
    hold(held_since=NOW + timedelta(hours=1))
    releasing.begin(Release.CANCEL, by="ana", at=NOW)
    cancel = releasing.outbox.cancel

    def cancel_and_stop(*args, **kwargs):
        lifecycle.request_stop()
        return cancel(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(releasing.outbox, "cancel", cancel_and_stop)
        first = releasing.go_on(NOW, until=math.inf)
    lifecycle.forget_stop()
    was_held = bool(Installation.objects.get().held_since)
    rest = releasing.go_on(NOW, until=math.inf)

    assert (first, was_held, rest) == (2, True, 3)
    assert Installation.objects.get().held_since is None


def test_a_host_that_was_away_for_two_new_identities_holds_nothing(shared, settings, tmp_path):
    installation.look(NOW)
    for _ in range(2):
        hold()
        releasing.begin(Release.COPY, by="ana", at=NOW)
        releasing.go_on(NOW, until=math.inf)
        settings.VAR_DIR = tmp_path / "elsewhere"

    settings.VAR_DIR = tmp_path

    assert not installation.look(NOW)
