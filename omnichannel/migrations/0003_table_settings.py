from __future__ import annotations

from django.db import migrations

# Tables whose rows are rewritten all the time are cleaned by number of rows and not by share: at
# PostgreSQL's 20 % the queue would be read past two million dead rows before the first cleaning.
# Room in the pages (fillfactor) keeps the new state of a row beside the old one.
SETTINGS = {
    "omnichannel_message": {
        "fillfactor": 80,
        "autovacuum_vacuum_scale_factor": 0.01,
        "autovacuum_vacuum_threshold": 5000,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
        "autovacuum_vacuum_cost_limit": 2000,
        "autovacuum_analyze_scale_factor": 0.02,
        "autovacuum_analyze_threshold": 5000,
    },
    "omnichannel_messageevent": {
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
        "autovacuum_vacuum_cost_limit": 2000,
        "autovacuum_analyze_scale_factor": 0.05,
    },
    "omnichannel_lane": {
        "fillfactor": 50,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 200,
        "autovacuum_analyze_scale_factor": 0,
        "autovacuum_analyze_threshold": 500,
    },
    "omnichannel_rateclock": {
        "fillfactor": 50,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 200,
    },
    "omnichannel_heartbeat": {
        "fillfactor": 50,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 200,
    },
}


def apply(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, settings in SETTINGS.items():
            given = ", ".join(f"{name} = {value}" for name, value in settings.items())
            schema_editor.execute(f"ALTER TABLE {table} SET ({given})")


def reset(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, settings in SETTINGS.items():
            schema_editor.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")


class Migration(migrations.Migration):
    dependencies = [("omnichannel", "0002_heartbeats")]

    operations = [migrations.RunPython(apply, reset)]
