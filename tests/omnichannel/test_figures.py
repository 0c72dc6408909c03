from __future__ import annotations

import json
from pathlib import Path

from omnichannel import figures

ROOT = Path(__file__).resolve().parent.parent.parent
LINE = {"figure": "send.messages_per_s", "value": 4321.5, "unit": "messages/s", "db": "sqlite"}


def known_of(tmp_path, *lines):
    path = tmp_path / "figures.jsonl"
    path.write_text("".join(json.dumps({"command": "bench send", **line}) + "\n" for line in lines))
    return figures.read(path)


def test_a_table_holds_what_was_measured_and_how(tmp_path):
    known = known_of(tmp_path, LINE, {**LINE, "db": "postgresql", "value": 3000})

    shown = figures.table(figures.PERFORMANCE, known)

    assert "| 4,322 | 3,000 |" in shown
    assert "`bench send`" in shown
    assert "import" not in shown.lower()


def test_the_last_measurement_counts(tmp_path):
    known = known_of(tmp_path, LINE, {**LINE, "value": 5000})

    assert "5,000" in figures.table(figures.PERFORMANCE, known)


def test_a_table_is_written_between_its_marks(tmp_path):
    text = "before\n<!-- figures: performance -->\nold\n<!-- end of figures -->\nafter\n"

    written = figures.write_into(text, known_of(tmp_path, LINE))

    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "4,322" in written
    assert "old" not in written
    assert figures.write_into(written, known_of(tmp_path, LINE)) == written


def test_the_readme_says_what_was_measured():
    readme = (ROOT / "README.md").read_text()

    known = figures.read(ROOT / "docs" / "figures.jsonl")

    assert figures.write_into(readme, known) == readme
