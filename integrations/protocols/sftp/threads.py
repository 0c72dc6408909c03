"""Rows and files are touched by a few threads, never by the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asyncssh import (
    SFTPError,
    SFTPFailure,
    SFTPFileAlreadyExists,
    SFTPNoSuchFile,
    SFTPPermissionDenied,
    SFTPQuotaExceeded,
)
from django.db import DatabaseError, close_old_connections

from integrations.exceptions import IntegrationError
from integrations.folders import FileMissing, FolderFull, NameTaken

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

WORKERS = 8
DOORMEN = 2  # a password takes a fifth of a second of a processor


class Threads:
    """`work` is for files and rows, `doors` for passwords: one never waits for the other."""

    def __init__(self, work: Executor | None = None, doors: Executor | None = None) -> None:
        self._work = work or ThreadPoolExecutor(WORKERS, thread_name_prefix="sftp")
        self._doors = doors or ThreadPoolExecutor(DOORMEN, thread_name_prefix="sftp-door")

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Whatever is refused or fails there is raised as an SFTPError."""
        try:
            return await self._in(self._work, call, *args, **kwargs)
        except IntegrationError as error:
            raise _said(error) from error
        except DatabaseError as error:
            logger.exception("An SFTP request failed in the database")
            raise SFTPFailure("The server cannot do this now. Try again later.") from error
        except OSError as error:
            logger.exception("An SFTP request failed in the file system")
            raise SFTPFailure("The server cannot store files now. Try again later.") from error

    async def at_the_door(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._in(self._doors, call, *args, **kwargs)

    async def _in(
        self, pool: Executor, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, lambda: _with_connections(call, *args, **kwargs))

    def end(self) -> None:
        """What runs is finished, what waits is not begun."""
        for pool in (self._work, self._doors):
            pool.shutdown(wait=False, cancel_futures=True)


def _with_connections(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    close_old_connections()
    try:
        return call(*args, **kwargs)
    finally:
        close_old_connections()


def _said(error: IntegrationError) -> SFTPError:
    match error:
        case FileMissing():
            return SFTPNoSuchFile(str(error))
        case NameTaken():
            return SFTPFileAlreadyExists(str(error))
        case FolderFull():
            return SFTPQuotaExceeded(str(error))
    return SFTPPermissionDenied(str(error))
