"""Indexes of large tables, built while others go on writing."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddIndex
from django.db.utils import NotSupportedError


class BuildIndex(AddIndex):
    """AddIndex that on PostgreSQL keeps no writer waiting. Its migration has `atomic = False` and
    nothing else in it: broken off, it is run again. An index that is there already is left.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.connection.vendor != "postgresql":
            if not _is_there(schema_editor, model, self.index.name):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        if schema_editor.connection.in_atomic_block:
            raise NotSupportedError(f"Set atomic = False where {self.index.name} is built.")
        self._drop_broken(schema_editor)
        if not _is_there(schema_editor, model, self.index.name):
            editor: Any = schema_editor  # PostgreSQL's takes one argument more
            editor.add_index(model, self.index, concurrently=True)

    def _drop_broken(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """What a build leaves that was broken off."""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_BROKEN, [self.index.name])
            if cursor.fetchone():
                name = schema_editor.connection.ops.quote_name(self.index.name)
                cursor.execute(f"DROP INDEX CONCURRENTLY {name}")


def _is_there(schema_editor: BaseDatabaseSchemaEditor, model: Any, name: str) -> bool:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        return name in connection.introspection.get_constraints(cursor, model._meta.db_table)


_BROKEN = """
    SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = pg_index.indexrelid
    WHERE pg_class.relname = %s AND NOT pg_index.indisvalid AND pg_table_is_visible(pg_class.oid)
"""
