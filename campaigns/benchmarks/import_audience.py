"""How fast a file becomes an audience, and how much memory that takes."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.files import File
from django.test import Client
from django.urls import reverse

from campaigns.benchmarks.other_writer import OtherWriter
from campaigns.choices import ImportStatus
from campaigns.import_mapping import Mapping
from campaigns.models import Audience, AudienceImport, AudienceMember
from omnichannel.addresses import clean_email
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.exceptions import InvalidMessage

NAME = "import"
N = 1_000_000
HEADERS = ["email", "phone", "first_name", "last_name", "city", "plan", "amount"]
CITIES = ["Cluj", "Leeds", "Lyon", "Austin", "Kraków", "Porto"]
# In a process of its own, so that the memory measured is the importer's alone.
WORKER = """
import os, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from campaigns.audience_import import run_queued
from campaigns.benchmarks.server_time import cpu_seconds
from omnichannel.benchmarks.base import peak_mb
began = cpu_seconds()
run_queued(until=time.monotonic() + 3600, stopped=lambda: False)
print(peak_mb(), cpu_seconds() - began)
"""


def run(options: BenchOptions) -> Iterator[Figure]:
    """Import n rows into an empty audience, then again; against a loop without a database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        write_rows(path, options.n, options.seed)
        bare = _bare_loop(path)
        yield Figure("import.bare_loop", options.n / bare, "rows/s", options.n, bare)
        audience = Audience.objects.create(name="Bench")
        for name in ("import", "import.again"):
            yield from _import(name, audience, path, bare)
        yield from _pages(audience)


def write_rows(path: Path, n: int, seed: int) -> None:
    """Seven columns; about 1 % of the rows repeat an earlier one, 0.5 % have a bad address."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for number in range(n):
            dice = zlib.crc32(f"{seed}.{number}".encode())
            who = dice % number if number and dice % 100 == 1 else number
            email = f"person{who}@example.com" if dice % 200 else f"person{who}@"
            phone = f"+1202555{dice % 10000:04d}"
            city = CITIES[dice % len(CITIES)]
            writer.writerow(
                [email, phone, f"First{dice % 90}", f"Last{who % 5000}", city, "gold", dice % 997]
            )


def _bare_loop(path: Path) -> float:
    """Seconds to read the file, check the addresses and drop the duplicates in memory."""
    began = time.monotonic()
    seen = set()
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            try:
                seen.add(clean_email(row[0]).lower())
            except InvalidMessage:
                continue
    return time.monotonic() - began


def _import(name: str, audience: Audience, path: Path, bare: float) -> Iterator[Figure]:
    variables = {header: index for index, header in enumerate(HEADERS) if index > 1}
    row = AudienceImport(
        audience=audience,
        status=ImportStatus.QUEUED,
        original_name=path.name,
        headers=HEADERS,
        mapping=Mapping(0, 1, variables, "email").as_json(),
        bytes_total=path.stat().st_size,
    )
    with path.open("rb") as file:
        row.file.save(path.name, File(file))
    with OtherWriter(name) as other:
        done = subprocess.run([sys.executable, "-c", WORKER], check=True, capture_output=True)
    row.refresh_from_db()
    if row.status != ImportStatus.FINISHED:
        raise RuntimeError(f"The import is {row.status}: {row.error}")
    seconds = row.checkpoint["seconds"]
    peak, cpu = map(float, done.stdout.split())
    rate = row.rows_done / seconds
    yield Figure(f"{name}.rows_per_s", rate, "rows/s", row.rows_done, seconds, peak)
    yield Figure(f"{name}.peak_mb", peak, "MB", row.rows_done)
    yield from other.figures()
    # What stays true on a busy machine: with the database server's own share.
    yield Figure(f"{name}.cpu_rate", row.rows_done / cpu, "rows/cpu-s", row.rows_done, cpu)
    yield Figure(f"{name}.ratio", rate * bare / row.rows_done, "of bare loop", row.rows_done)


def _pages(audience: Audience) -> Iterator[Figure]:
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.create_superuser("bench"))
    members = reverse("admin:campaigns_audiencemember_changelist")
    member = AudienceMember.objects.filter(audience=audience).latest("id")
    for name, url in {
        "list": reverse("admin:campaigns_audience_changelist"),
        "page": reverse("admin:campaigns_audience_change", args=[audience.pk]),
        "members": f"{members}?audience__id__exact={audience.pk}",
        "search": f"{members}?audience__id__exact={audience.pk}&q={member.email[:12]}",
    }.items():
        client.get(url)
        began = time.monotonic()
        if client.get(url).status_code != 200:
            raise RuntimeError(f"{url} cannot be shown.")
        yield Figure(f"import.{name}_ms", (time.monotonic() - began) * 1000, "ms")
