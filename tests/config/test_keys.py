from __future__ import annotations

import stat

from config.keys import key_from_file


def test_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    path = tmp_path / "secret_key"

    first = key_from_file(path)
    second = key_from_file(path)

    assert first == second
    assert len(first) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
