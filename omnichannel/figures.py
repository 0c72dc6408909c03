"""The figures in the README: which there are, what they must reach, and how they are written.

Each line of `docs/figures.jsonl` is what `manage.py bench NAME --json` or `manage.py prove NAME
--json` printed, with the command and the database beside it. The tables are made from nothing
else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: {name} -->", "<!-- end of figures -->"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Row:
    """One line of a table. `target` is what the value must reach, in words."""

    figure: str
    says: str
    target: str = ""
    form: str = "{:,.0f}"


PERFORMANCE = (
    Row(
        "send.ratio_to_bare_smtplib",
        "Whole engine to a bare smtplib loop",
        "≥ 1.1; PG ≥ 0.9",
        "{:.2f}",
    ),
    Row("send.messages_per_s", "Messages of 10 kB a second, two processes"),
    Row("send.cpu_us_per_message", "CPU of a message, µs"),
    Row("send.disk_mb_per_million", "Disk of 1,000,000 messages with their events, MB"),
    Row("send.peak_mb", "Memory of 100,000 messages, both processes, MB", "< 300"),
    Row(
        "send.slow_relay_ratio",
        "Relay of 20 ms, 50 connections: share of 2,500/s",
        "≥ 0.8",
        "{:.2f}",
    ),
    Row("send.http_ratio_to_bare", "Engine over HTTP to a bare loop", "", "{:.2f}"),
    Row("send.start_ms", "Click to first message, 100,000 recipients, ms", "< 1,000"),
    Row("claim.rows_per_s_at_10k", "Claims a second, table of 10,000"),
    Row("claim.rows_per_s_at_10m", "Claims a second, table of 10,000,000"),
    Row("claim.ratio_large_to_small", "The second to the first", "≥ 0.85", "{:.2f}"),
    Row(
        "claim.decay_under_reader", "Last to first claims beside a long reader", "≥ 0.85", "{:.2f}"
    ),
    Row("expand.rows_per_s", "Campaign messages written a second", "≥ 50,000"),
    Row("import.rows_per_s", "CSV rows imported a second", "≥ 25,000"),
    Row("import.peak_mb", "Memory of an import of 1,000,000 rows, MB", "< 250"),
    Row("queue.latency_ms_p50", "Queued to the wire on a quiet system, ms", "< 100"),
    Row(
        "queue.otp_latency_ms_p99_under_load",
        "One-time password during a campaign, p99, ms",
        "< 1,000",
    ),
    Row(
        "otp.latency_ms_p99_under_campaign",
        "Asked for through the API meanwhile, call to wire, p99, ms",
        "< 1,000",
    ),
    Row("otp.send_per_s", "One-time passwords made and sent a second"),
    Row("otp.send_ms_p99", "One of them, p99, ms"),
    Row("otp.verify_per_s", "Codes checked a second"),
    Row("otp.verify_ms_p99", "One of them, p99, ms"),
    Row("report.filter_ms_p95_at_1m", "A page of the report of 1,000,000, p95, ms", "< 1,000"),
    Row("webhooks.events_per_s", "Events told by webhook a second, stored and applied", "≥ 4,200"),
    Row("api.async_per_s", "Messages taken in by single calls a second", "≥ 400"),
    Row("api.async_ratio_to_noop", "Such calls to calls that do nothing", "", "{:.2f}"),
    Row("api.batch_messages_per_s", "Messages taken in by calls of 1,000 a second", "≥ 10,000"),
    Row("api.instant_overhead_ms_p50", "Instant beyond the provider's own time, ms", "< 20"),
    Row("sftp.ratio_to_openssh", "SFTP uploads to those of OpenSSH's server", "≥ 0.7", "{:.2f}"),
    Row("sftp.files_per_s", "Files of 4 KB from SFTP to the end of their way a second", "≥ 50"),
    Row("as2.messages_per_s", "AS2 messages of 10 kB a second, signed and encrypted", "≥ 20"),
    Row("as2.peak_mb_at_64mb", "Memory of an AS2 message of 64 MB, MB", "< 400"),
    Row("web.page_ms_p50_during_campaign", "A page during a campaign, median, ms", "< 50"),
)
RELIABILITY = (
    Row("crash.kills", "Workers killed in one campaign"),
    Row("crash.lost", "Messages lost", "0"),
    Row("crash.duplicates", "Messages that arrived twice (policy *hold*)", "0"),
    Row("crash.uncertain_per_kill", "Uncertain messages per kill", "≤ 2 a connection", "{:.2f}"),
    Row("webhooks.lost", "Events lost of 1,000,000 told beside sending", "0"),
    Row("webhooks.doubled", "Events kept twice", "0"),
    Row("broker.lost", "Lost while the broker is flushed, stopped and killed", "0"),
    Row("broker.refill_s", "From the broker's return to sending again, s", "≤ 5", "{:.1f}"),
    Row("scheduler.double", "Started twice by five schedulers", "0"),
    Row(
        "otp.guess_chance_per_day",
        "Chance to guess a six-digit code of a number within a day",
        "< 0.001",
        "{:.5f}",
    ),
    Row("otp.sends_before_pump_stopped", "SMS to a prefix before a pump is stopped", "≤ 50"),
    Row("otp.refused_in_another_country", "Codes refused in another country meanwhile", "0"),
    Row("crash.envelopes_lost", "Partners' documents lost, workers killed at every step", "0"),
    Row("crash.envelopes_doubled", "Envelopes made twice meanwhile", "0"),
    Row("pause.seconds", "From *Pause* to the last message, s", "≤ 2", "{:.1f}"),
)
TABLES = {"performance": PERFORMANCE, "reliability": RELIABILITY}


def read(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """{(figure, database): its last line}"""
    lines = path.read_text().splitlines() if path.exists() else []
    found = map(json.loads, filter(None, lines))
    return {(line["figure"], line["db"]): line for line in found}


def table(rows: Iterable[Row], known: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Markdown. Rows that were not measured are left out."""
    lines = ["| | SQLite | PostgreSQL | to reach | `manage.py` |", "|---|---:|---:|---|---|"]
    for row in rows:
        measured = [known.get((row.figure, db)) for db in DATABASES]
        commands = [line["command"] for line in measured if line]
        if commands:
            values = [row.form.format(line["value"]) if line else "" for line in measured]
            lines.append(f"| {row.says} | {' | '.join(values)} | {row.target} | `{commands[0]}` |")
    return "\n".join(lines)


def write_into(text: str, known: dict[tuple[str, str], dict[str, Any]]) -> str:
    """The document with the tables between its marks made anew."""
    for name, rows in TABLES.items():
        begin = BEGIN.format(name=name)
        before, found, rest = text.partition(begin)
        if found:
            _, _, after = rest.partition(END)
            text = f"{before}{begin}\n\n{table(rows, known)}\n\n{END}{after}"
    return text
