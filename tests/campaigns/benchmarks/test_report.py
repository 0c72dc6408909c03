"""The benchmark of reports, in small: it finds what it asks for, by an index."""

from __future__ import annotations

import pytest
from django.db import connection

from campaigns.benchmarks import report
from omnichannel.benchmarks.base import BenchOptions
from omnichannel.benchmarks.mixed_rows import write_mix
from omnichannel.models import Message, MessageEvent
from omnichannel.reports import page
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = {"push", "sending", "address of nobody", "campaign of nobody", "category of nothing"}
NOTHING = NOBODY | {"no code", "no code, failed", "old job, one address"}


def test_no_plan_reads_the_whole_table():
    found = {
        figure.name: figure for figure in report.run(BenchOptions(2_000, connection.vendor, 7))
    }

    assert found["report.plans_without_index"].value == 0
    assert found["report.plans_without_index"].n == 31
    assert found["report.export_rows_per_s"].n == 2_000
    assert found["report.campaign_seconds"].n == 1_600


def test_every_combination_finds_what_the_mix_holds():
    mix = write_mix(2_000, end=NOW)

    found = {name for name, wanted in report.combinations(mix).items() if page(wanted).rows}

    assert report.combinations(mix).keys() - found == NOTHING
    assert Message.objects.count() == 2_000
    assert MessageEvent.objects.filter(type="clicked", code="3").count() == 120
