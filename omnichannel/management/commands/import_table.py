from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from omnichannel import consent_table, consents, suppression_table, suppressions
from omnichannel.choices import Category, ChannelType, SuppressionReason
from omnichannel.exceptions import ImportRefused
from omnichannel.tables import Report, take_in


class Command(BaseCommand):
    help = (
        "Import a file of suppressions or consents of any size: CSV or an Excel workbook, as the "
        "pages take it. What is known already stays as it is, so a file may be imported again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["suppressions", "consents"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--channel", default="", choices=ChannelType.values)
        parser.add_argument("--category", default=None, choices=Category.values)
        parser.add_argument(
            "--reason", default=SuppressionReason.IMPORT.value, choices=SuppressionReason.values
        )
        parser.add_argument("--source", default="", help="of consents: where they were given")

    def handle(self, *args: Any, **options: Any) -> None:
        take = _suppressions if options["what"] == "suppressions" else _consents
        try:
            with options["file"].open("rb") as file:
                report = take(File(file, name=options["file"].name), options)
        except (ImportRefused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{report.rows:,} rows read: {report.kept:,} new or changed, "
            f"{report.known:,} known already, {report.bad:,} left out."
        )
        for fault in report.faults:
            self.stderr.write(f"Row {fault.row}, {fault.field}: {fault.reason}")


def _suppressions(file: File, options: dict[str, Any]) -> Report:
    make = suppression_table.word_maker(
        channel_type=options["channel"],
        category=options["category"] or "",
        reason=options["reason"],
        at=timezone.now(),
    )
    columns = suppression_table.COLUMNS
    return take_in(file, columns=columns, make=make, keep=suppressions.say, is_bounded=False)


def _consents(file: File, options: dict[str, Any]) -> Report:
    make = consent_table.consent_maker(
        channel_type=options["channel"],
        category=options["category"] or Category.PROMOTIONAL,
        source=options["source"],
        at=timezone.now(),
    )
    columns = consent_table.COLUMNS
    return take_in(file, columns=columns, make=make, keep=consents.add, is_bounded=False)
