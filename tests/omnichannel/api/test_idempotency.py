from __future__ import annotations

import datetime
import json

import pytest
import time_machine
from django.db import transaction
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from omnichannel import kept_replies, retention
from omnichannel.api.idempotency import idempotent, provide
from omnichannel.choices import Scope
from omnichannel.exceptions import Busy, IllegalTransition
from omnichannel.kept_replies import Call, Reply
from omnichannel.models import IdempotentReply, Label
from tests.factories import NOW
from tests.factories_api import make_api_key

pytestmark = pytest.mark.django_db

LATER = NOW + datetime.timedelta(seconds=61)
DAY = datetime.timedelta(hours=24, seconds=1)


class Labels(APIView):
    write_scope = Scope.SEND

    @idempotent()
    def post(self, request):
        label = Label.objects.create(name=request.data["name"])
        if label.name == "bad":
            raise ValidationError({"name": ["Bad."]})
        if label.name == "refused":
            return Response({"detail": "No."}, status=422)
        if label.name == "defect":
            raise RuntimeError
        return Response({"id": label.pk}, status=202)


class Instant(APIView):
    """Does its work, then dies before it has answered."""

    write_scope = Scope.SEND

    @idempotent(in_transaction=False)
    def post(self, request):
        with transaction.atomic():
            label = Label.objects.create(name=request.data["name"])
            provide(202, {"id": label.pk, "status": "uncertain"})
        raise SystemExit


@pytest.fixture
def key():
    return make_api_key("send")


def call(key, body, header="k1", view=Labels):
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key[1]}"}
    if header is not None:
        headers["HTTP_IDEMPOTENCY_KEY"] = header
    request = APIRequestFactory().post("/labels/", body, format="json", **headers)
    answer = view.as_view()(request)
    return answer if hasattr(answer, "is_rendered") is False else answer.render()


def names():
    return sorted(Label.objects.values_list("name", flat=True))


def test_repeated_call_is_answered_and_not_done_again(key):
    first = call(key, {"name": "a"})

    again = call(key, {"name": "a"})

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert names() == ["a"]


def test_without_the_header_each_call_is_one():
    key = make_api_key("send")
    Label.objects.all().delete()

    call(key, {"name": "a"}, header=None)
    call(key, {"name": "b"}, header=None)

    assert names() == ["a", "b"]


def test_other_body_is_refused(key):
    call(key, {"name": "a"})

    answer = call(key, {"name": "b"})

    assert answer.status_code == 422
    assert names() == ["a"]


def test_keys_of_different_callers_are_different(key):
    call(key, {"name": "a"})

    assert call(make_api_key("send"), {"name": "b"}).status_code == 202


@pytest.mark.parametrize("name", ["bad", "refused"])
def test_refused_call_leaves_nothing_and_may_be_made_again(key, name):
    first = call(key, {"name": name})

    assert 400 <= first.status_code < 500
    assert names() == []
    assert not IdempotentReply.objects.exists()
    assert call(key, {"name": "good"}).status_code == 202


def test_defect_leaves_nothing(key):
    with pytest.raises(RuntimeError):
        call(key, {"name": "defect"})

    assert names() == []
    assert not IdempotentReply.objects.exists()


@pytest.mark.parametrize("header", ["", "k" * 256, "a\0b", "\u00e9", "a\tb"])
def test_key_has_1_to_255_printable_characters(key, header):
    answer = call(key, {"name": "a"}, header=header)

    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"][0]["field"] == "Idempotency-Key"
    assert names() == []


def test_longest_key_is_taken(key):
    assert call(key, {"name": "a"}, header="k" * 255).status_code == 202


def test_after_24_hours_the_key_is_new(key):
    with time_machine.travel(NOW, tick=False):
        call(key, {"name": "a"})

    with time_machine.travel(NOW + DAY, tick=False):
        call(key, {"name": "b"})

    assert names() == ["a", "b"]


def test_old_replies_are_purged(key):
    with time_machine.travel(NOW, tick=False):
        call(key, {"name": "a"})

    def purge(at):
        limits = retention.Limits(None, None, replies=retention.limits(at).replies)
        retention.purge(limits, until=float("inf"), stopped=lambda: False)

    purge(NOW)
    assert IdempotentReply.objects.exists()
    purge(NOW + DAY)
    assert not IdempotentReply.objects.exists()


@pytest.fixture
def described(key):
    return Call(key[0], "labels/", "k1", "digest")


def test_call_in_flight_is_told_to_come_back(described):
    kept_replies.begin(described, NOW)

    with pytest.raises(Busy):
        kept_replies.begin(described, NOW)


def test_call_of_a_dead_process_is_taken_over(described):
    dead = kept_replies.begin(described, NOW)

    claim = kept_replies.begin(described, LATER)

    assert claim != dead
    kept_replies.finish(claim, Reply(202, "{}"), LATER)
    assert kept_replies.begin(described, LATER) == Reply(202, "{}")


def test_process_that_was_thought_dead_must_undo_its_work(described):
    slow = kept_replies.begin(described, NOW)
    kept_replies.begin(described, LATER)

    with pytest.raises(IllegalTransition):
        kept_replies.finish(slow, Reply(202, "{}"), LATER)
    kept_replies.let_go(slow, LATER)
    assert IdempotentReply.objects.count() == 1


def test_work_that_was_handed_over_is_never_done_again(key):
    with time_machine.travel(NOW, tick=False), pytest.raises(SystemExit):
        call(key, {"name": "a"}, view=Instant)

    with time_machine.travel(NOW, tick=False):
        assert call(key, {"name": "a"}, view=Instant).status_code == 409
    with time_machine.travel(LATER, tick=False):
        answer = call(key, {"name": "a"}, view=Instant)

    assert answer.status_code == 202
    assert json.loads(answer.content)["status"] == "uncertain"
    assert names() == ["a"]
