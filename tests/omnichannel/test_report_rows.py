"""The communication report as a file."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel import report_rows
from omnichannel.reports import Wanted
from tests.factories import NOW, make_message, make_provider
from tests.factories_reports import make_event, make_job, make_many
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db


def lines_of(wanted=None):
    data = b"".join(report_rows.csv_parts(wanted or Wanted()))
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_line_names_all_there_is_to_know():
    version = make_version(make_template(name="Spring"))
    message = make_message(
        provider=make_provider(name="Relay"),
        job=make_job(name="Spring sale"),
        template_version=version,
        to_address="ana@example.com",
        status="delivered",
        error_code="250",
        error_message="OK",
        attempts=2,
        last_attempt_at=NOW,
    )
    make_event(message, "delivered")

    (line,) = lines_of()

    assert line == {
        "Id": str(message.pk),
        "Queued (UTC)": "2026-03-02 12:00:00",
        "Channel": "E-mail",
        "To": "ana@example.com",
        "Template": "Spring v1",
        "Job": "Spring sale",
        "Job id": str(message.job_id),
        "Provider": "Relay",
        "Status": "Delivered",
        "Error code": "250",
        "Error message": "OK",
        "Attempts": "2",
        "Last attempt (UTC)": "2026-03-02 12:00:00",
        "Delivered (UTC)": "2026-03-02 12:00:00",
    }


def test_no_cell_is_a_formula():
    make_message(
        to_address="+12025550143",
        error_code="=1+1",
        error_message='@SUM(A1)\r\n"quoted", and more',
        job=make_job(name="-2+3"),
        provider=make_provider(name="=cmd|' /C calc'!A0"),
    )

    (line,) = lines_of()

    assert line["To"] == "'+12025550143"
    assert line["Error code"] == "'=1+1"
    assert line["Error message"] == '\'@SUM(A1)\r\n"quoted", and more'
    assert line["Job"] == "'-2+3"
    assert line["Provider"].startswith("'=")


def test_only_what_was_asked_for_is_in_the_file():
    make_many(5, status="sent")
    failed = make_many(3, status="failed")

    lines = lines_of(Wanted(statuses=("failed",)))

    assert [int(line["Id"]) for line in lines] == failed[::-1]


def test_names_are_not_asked_for_again_with_every_row():
    make_many(5, job=make_job())
    with CaptureQueriesContext(connection) as few:
        lines_of()
    make_many(300, job=make_job())
    with CaptureQueriesContext(connection) as many:
        lines_of()

    assert len(many) == len(few)
