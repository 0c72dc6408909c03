"""One Chromium for a test: the page of an operator, or of nobody."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MILLISECONDS = 30_000  # a machine that runs other tests beside it is slow


@contextlib.contextmanager
def chromium(path: str) -> Iterator[Any]:
    """A running browser (`playwright.sync_api.Browser`)."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with pytest.MonkeyPatch.context() as patch, sync_api.sync_playwright() as playwright:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        sync_api.expect.set_options(timeout=MILLISECONDS)
        browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield browser
        browser.close()
        # Beside Playwright's event loop Django keeps connections apart from the thread's own;
        # one that stays would meet the next test that opens a browser, ended or not.
        connections.close_all()
