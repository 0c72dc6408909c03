"""Brokers of our own on free ports of loopback, to be emptied, frozen and killed."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import redis
from django.conf import settings
from kombu import Connection, Queue

from omnichannel.proofs.base import ENOUGH, wait_until
from omnichannel.proofs.processes import Server

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # Debian's own asks for its user


class Broker:
    """A broker as a context manager. `url` is what CELERY_BROKER_URL becomes."""

    name = ""
    program = ""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(settings.VAR_DIR) / f"{self.name}-{self.port}"
        self.folder.mkdir(mode=0o700)

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.thaw()
        self.kill()

    @property
    def url(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        self._server = Server(self.name, self._command(), self._env())
        wait_until(lambda: answers(self.port), f"{self.name} answers", seconds=ENOUGH)

    def empty(self, queues: Iterable[str]) -> None:
        raise NotImplementedError

    def freeze(self) -> None:
        self._server.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._server.signal(signal.SIGCONT)

    def kill(self) -> None:
        self._server.kill()

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _env(self) -> dict[str, str]:
        return {}


class Redis(Broker):
    name = "redis"
    program = "redis-server"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def empty(self, queues: Iterable[str]) -> None:
        redis.Redis(port=self.port).flushall()

    def _command(self) -> list[str]:
        port = str(self.port)
        return [
            *(self.program, "--port", port, "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(self.folder)),
        ]


class RabbitMQ(Broker):
    name = "rabbitmq"
    program = RABBITMQ

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def empty(self, queues: Iterable[str]) -> None:
        with Connection(self.url) as connection, connection.channel() as channel:
            for queue in queues:
                Queue(queue)(channel).purge()

    def _command(self) -> list[str]:
        return [self.program]

    def _env(self) -> dict[str, str]:
        folder = str(self.folder)
        plugins = self.folder / "plugins"
        plugins.write_text("[].\n")
        return {
            "HOME": folder,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"proof{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": folder,
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        }


def installed() -> list[type[Broker]]:
    return [kind for kind in (Redis, RabbitMQ) if shutil.which(kind.program)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
