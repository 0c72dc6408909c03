"""A click leads on also while somebody else holds the database."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from omnichannel.hits import WAIT_MILLISECONDS, hurried

ASK = """
import json
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from omnichannel import links
from omnichannel.models import MessageEvent
from tests.factories import make_message

message = make_message(body_html='<a href="https://shop.example.com/">shop</a>', status="sent")
other = connections.create_connection("default")
other.set_autocommit(False)
with other.cursor() as cursor:
    if connection.vendor == "sqlite":
        cursor.execute("BEGIN IMMEDIATE")
    else:
        cursor.execute("LOCK TABLE omnichannel_messageevent IN EXCLUSIVE MODE")
path = f"/t/c/{links.token(links.CLICK, message.pk, 0)}/1"
client = Client(headers={"host": "127.0.0.1"})
while_busy = client.get(path)
gif = client.get(f"/t/o/{links.token(links.OPEN, message.pk)}.gif")
other.rollback()
other.close()
kept = MessageEvent.objects.count()
after = client.get(path)
print(json.dumps([while_busy["Location"], gif.status_code, kept, after.status_code,
                  MessageEvent.objects.count()]))
"""


def test_a_click_leads_on_while_the_database_is_busy(live):
    target, pixel, kept, after, then_kept = json.loads(live.run(ASK).splitlines()[-1])

    assert (target, pixel, kept) == ("https://shop.example.com/", 200, 0)
    assert (after, then_kept) == (302, 1)


def waiting_time() -> int:
    """How many milliseconds a statement waits for others; 0: for ever."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" if sqlite else "SHOW statement_timeout")
        [found] = cursor.fetchone()
    return found if sqlite else int(found.removesuffix("s") or 0) * 1000


@pytest.mark.django_db(transaction=True)
def test_only_who_is_in_a_hurry_gives_up_soon():
    before = waiting_time()

    with hurried():
        within = waiting_time()

    assert within == WAIT_MILLISECONDS
    assert before == waiting_time() != within
