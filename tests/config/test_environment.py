from __future__ import annotations

import pytest

from config.environment import env


@pytest.mark.parametrize(
    ("value", "says"), [("abc", "PORT cannot be used"), ("99999", "not a port")]
)
def test_a_wrong_port_is_told_in_one_sentence(monkeypatch, value, says):
    monkeypatch.setenv("PORT", value)

    with pytest.raises(SystemExit, match=says):
        env.port("PORT", default=8000)


@pytest.mark.parametrize("value", ["nonsense", "foo://x/y", "mysql://host/name"])
def test_a_wrong_database_url_is_told_in_one_sentence(monkeypatch, value):
    monkeypatch.setenv("DATABASE_URL", value)

    with pytest.raises(SystemExit, match="DATABASE_URL is not the URL of a database"):
        env.database("DATABASE_URL", default="sqlite://:memory:")


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "file" / "var"))

    with pytest.raises(SystemExit, match="VAR_DIR cannot be used"):
        env.folder("VAR_DIR", default=tmp_path)
