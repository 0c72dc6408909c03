"""What a database is, apart from what is in it: the part that no copy and no restore takes along.

A promoted standby of PostgreSQL has all of it; a dump restored elsewhere, a clone and a copied
file have not. A copy of a whole server or of a whole machine cannot be told from the original.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction


class Place(NamedTuple):
    """`facts` are kept in the database, `address` is by what this host knows it.

    `timeline` rises when a standby of PostgreSQL is promoted; 0 where it cannot be read.
    """

    address: str
    facts: dict[str, Any]
    timeline: int = 0


def here() -> Place:
    return _postgresql() if connection.vendor == "postgresql" else _sqlite()


def _postgresql() -> Place:
    given = connection.settings_dict
    facts: dict[str, Any] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::bigint, datname FROM pg_database WHERE datname = current_database()"
        )
        facts["oid"], facts["name"] = cursor.fetchone()
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'execute')")
        if cursor.fetchone()[0]:
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            (facts["server"],) = cursor.fetchone()
    address = f"{given['HOST'] or 'local'}:{given['PORT'] or 5432}/{facts['name']}"
    return Place(address, facts, _timeline())


def _timeline() -> int:
    """Of what is written now: the control file learns of a promotion at its next checkpoint only,
    which may take minutes. Some services that speak PostgreSQL refuse to tell.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)")
            return int(cursor.fetchone()[0], 16)
    except DatabaseError:
        return 0


def _sqlite() -> Place:
    path = os.path.realpath(str(connection.settings_dict["NAME"]))
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return Place("memory", {})
    return Place(path, {"path": path, "inode": found.st_ino, "device": found.st_dev})


def difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """How the two are not the same database, in words; empty when they are."""
    if not then or not now:
        return ""
    if ("path" in then) != ("path" in now):
        return "its rows came from another kind of database"
    return _of_files(then, now) if "path" in now else _of_databases(then, now)


def _of_files(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    # A disk gets another number at a restart, and a folder another name: the file is the same.
    is_near = now["device"] == then["device"] or now["path"] == then["path"]
    if now["inode"] == then["inode"] and is_near:
        return ""
    if now["path"] == then["path"]:
        return f"{now['path']} is another file than before: it was replaced by a copy"
    return f"the file was {then['path']} and is a copy of it now, {now['path']}"


def _of_databases(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if "server" in then and now.get("server", then["server"]) != then["server"]:
        return f"“{now['name']}” is on another PostgreSQL server than before"
    if now["oid"] == then["oid"]:
        return ""  # perhaps under another name
    if now["name"] != then["name"]:
        return f"the database was “{then['name']}” and is “{now['name']}” now"
    return f"“{now['name']}” was made anew and filled from a backup"
