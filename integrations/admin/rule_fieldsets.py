"""The properties of a conversion rule in the order of its form."""

from __future__ import annotations

from typing import Any

OUT, IN = ["block-out"], ["block-in"]
EDITED: tuple[tuple[str | None, dict[str, Any]], ...] = (
    (None, {"fields": ("name", ("level", "template_version"), "direction", "run_token")}),
    (
        "Which files",
        {
            "classes": OUT,
            "description": "All that is filled in must fit. A pattern is a regular expression "
            "(RE2: no look-around, no back-references); of an attribute it is KEY==pattern.",
            "fields": (
                ("matching_source", "matching_pattern"),
                "document_type",
                ("sender", "receiver"),
            ),
        },
    ),
    ("Example", {"fields": (("example_file", "example_from"),)}),
    ("Conversion", {"fields": (("engine", "multiple_envelopes"), "body")}),
    (
        "The file",
        {
            "classes": IN,
            "description": "Attributes go with the file: a text, or a path into the envelope's XML "
            'that begins with /, such as {"ORDER": "/envelope/fields/field[@name=\'number\']"}.',
            "fields": (("output", "naming_pattern"), "attributes", ("send_zip", "left_out")),
        },
    ),
    ("Becomes", {"fields": ("target", ("option", "campaign"))}),
    ("Validation", {"fields": ("kept_files", "new_files")}),
)

# For who may only look: what the form has fields of its own for, as the row has it.
SHOWN: tuple[tuple[str | None, dict[str, Any]], ...] = (
    (
        None,
        {"fields": ("name", ("account", "mailbox"), ("direction", "active"), "template_version")},
    ),
    (
        "Which files",
        {
            "fields": (
                ("matching_source", "matching_pattern"),
                "document_type",
                "sender",
                "receiver",
            )
        },
    ),
    ("Conversion", {"fields": (("engine", "multiple_envelopes"), "body_shown", "example_name")}),
    (
        "The file",
        {"fields": (("output", "naming_pattern"), "attributes", ("send_zip", "zip_exclude"))},
    ),
    ("Becomes", {"fields": ("target", "target_options")}),
    ("Validation", {"fields": ("files_told",)}),
)


def of(*, may_edit: bool, may_choose: bool) -> Any:
    """A document that came is chosen by who may download documents."""
    if not may_edit:
        return SHOWN
    if may_choose:
        return EDITED
    return [
        (name, {**options, "fields": ("example_file",)} if name == "Example" else options)
        for name, options in EDITED
    ]
