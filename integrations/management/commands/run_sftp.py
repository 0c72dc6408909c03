"""The SFTP server as a process of its own: `manage.py run_sftp`. It ends at SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.exceptions import IntegrationError
from integrations.protocols.sftp.server import Server

GRACE_SECONDS = 5.0


class Command(BaseCommand):
    help = "Serve the partners' folders by SFTP until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.SFTP_HOST)
        parser.add_argument("--port", type=int, default=settings.SFTP_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._serve(options["host"], options["port"]))
        except (OSError, IntegrationError) as error:
            raise CommandError(
                f"SFTP cannot start on {options['host']}:{options['port']}: {error}"
            ) from error

    async def _serve(self, host: str, port: int) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        server = Server(host, port)
        await server.start()
        self.stdout.write(f"SFTP listens on {host}:{server.port}")
        self.stdout.flush()
        await stopping.wait()
        await server.stop(GRACE_SECONDS)
