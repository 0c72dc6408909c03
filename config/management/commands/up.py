from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError
from django.utils import timezone
from waitress.server import create_server

from config.first_start import Login, ensure_superuser, is_first_start, load_demo, prepare
from config.supervisor import Crew
from integrations.protocols.sftp import embedded
from omnichannel import doorbell

END_AFTER = 3.8
SFTP_SECONDS = 1.0  # for a document that is just being stored


class Command(BaseCommand):
    help = "Start everything: prepare the database, serve the Studio, run the periodic tasks."

    def handle(self, *args: object, **options: object) -> None:
        self.crew = Crew(senders=settings.SEND_PROCESSES - 1)
        self.sftp: embedded.Handle | None = None
        signal.signal(signal.SIGTERM, self.end)
        signal.signal(signal.SIGINT, self.end)
        # The port is taken before anything is written: a second start changes nothing.
        server = self.listen()
        self.announce(self.prepare())
        if settings.IS_EMBEDDED:
            self.crew.start()
            doorbell.connect(self.crew.ring)
            self.sftp = embedded.start()
        else:
            self.say("CELERY_BROKER_URL is set: Celery workers and beat do the sending.")
        server.run()
        if self.sftp:
            self.sftp.stop(SFTP_SECONDS)
        self.crew.stop()

    def say(self, text: str) -> None:
        """A log that takes nothing more (its disk is full, say) must not keep us from sending."""
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()

    def listen(self) -> Any:
        try:
            return create_server(
                get_wsgi_application(),
                host=settings.HOST,
                port=settings.PORT,
                threads=8,
                ident="",
                **settings.WAITRESS,
            )
        except (OSError, ValueError) as error:
            raise CommandError(
                f"Cannot listen on {settings.HOST}:{settings.PORT} ({error}). "
                "Is the Studio running already? Set PORT to use another port."
            ) from error

    def prepare(self) -> Login | None:
        try:
            prepare()
            if is_first_start() and load_demo(timezone.now()):
                self.say("Demo data loaded. DEMO_DATA=0 leaves it out.")
            return ensure_superuser()
        except OperationalError as error:
            reason = " ".join(str(error).split())
            raise CommandError(
                f"The database cannot be used ({reason}). Check DATABASE_URL."
            ) from error

    def announce(self, login: Login | None) -> None:
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        address = settings.PUBLIC_URL or f"http://{host}:{settings.PORT}"
        self.say(f"\nOmnichannel Studio\n  URL       {address}/admin/")
        if settings.IS_EMBEDDED:
            self.say(f"  SFTP      port {settings.SFTP_PORT}, for partners")
        if login:
            shown = f"{login.password}  (shown only now)" if login.is_random else "ADMIN_PASSWORD"
            self.say(f"  User      {login.username}\n  Password  {shown}")
        self.say("  Stop      Ctrl-C\n")

    def end(self, signum: int, frame: FrameType | None) -> None:
        self.crew.ask_to_stop()
        last = threading.Timer(END_AFTER, self.end_now)
        last.daemon = True
        last.start()
        raise SystemExit(0)

    def end_now(self) -> None:
        self.crew.kill()
        os._exit(0)
