"""Many threads at once, on a database that they share: one thing made, one limit kept."""

from __future__ import annotations

import json

CALLS = """
import json, threading
from collections import Counter
from django.db import connection
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from omnichannel.api.idempotency import idempotent
from omnichannel.choices import Scope
from omnichannel.models import Label
from tests.factories_api import make_api_key

class Labels(APIView):
    write_scope = Scope.SEND

    @idempotent()
    def post(self, request):
        number = Label.objects.count()
        label = Label.objects.create(name=f"made {number}")
        return Response({"id": label.pk}, status=202)

_, key = make_api_key("send")
start = threading.Barrier(50)
answers = []

def call():
    request = APIRequestFactory().post(
        "/labels/", {}, format="json", HTTP_AUTHORIZATION=f"Bearer {key}",
        HTTP_IDEMPOTENCY_KEY="one",
    )
    start.wait()
    answer = Labels.as_view()(request)
    if hasattr(answer, "render"):
        answer.render()
    answers.append((answer.status_code, answer.content.decode()))
    connection.close()

threads = [threading.Thread(target=call) for _ in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"made": Label.objects.count(), "answers": answers}))
"""
TAKES = """
import json, threading
from django.db import connection
from django.utils import timezone
from omnichannel.api import throttling
from tests.factories_api import make_api_key

row, _ = make_api_key("read", rate_limit=5)
at = timezone.now()
start = threading.Barrier(20)
taken = []

def call():
    start.wait()
    taken.append(throttling.take(row, at))
    connection.close()

threads = [threading.Thread(target=call) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(taken))
"""


def test_fifty_threads_with_one_key_make_one_thing(live):
    told = json.loads(live.run(CALLS))

    assert told["made"] == 1
    assert len(told["answers"]) == 50
    statuses = {status for status, _ in told["answers"]}
    assert 202 in statuses
    assert statuses <= {202, 409}
    assert len({content for status, content in told["answers"] if status == 202}) == 1


def test_twenty_threads_with_a_limit_of_five_make_five_requests(live):
    taken = json.loads(live.run(TAKES))

    assert (len(taken), sum(taken)) == (20, 5)
