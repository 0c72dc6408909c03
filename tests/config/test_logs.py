from __future__ import annotations

import pytest
from django.core.handlers.exception import response_for_exception
from django.test import RequestFactory

from config.logs import WithoutTokens


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/webhooks/0b9f3c1e-0000-4000-8000-000000000000/a-secret/", "a-secret"),
        ("/u/AAAAAAABXNth2L1zt9X8Wl2W/preferences/", "AAAAAAABXNth2L1zt9X8Wl2W"),
        ("/t/c/AAAAAAABXNth2L1zt9X8Wl2W/3", "AAAAAAABXNth2L1zt9X8Wl2W"),
        ("/t/o/AAAAAAABXNth2L1zt9X8Wl2W.gif", "AAAAAAABXNth2L1zt9X8Wl2W"),
    ],
)
def test_no_token_of_a_failing_request_is_logged(caplog, settings, path, shown):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    response_for_exception(RequestFactory().get(path), RuntimeError("a fault"))
    [record] = caplog.records

    kept = WithoutTokens().filter(record)

    assert kept
    assert shown not in record.getMessage()
    assert record.getMessage().startswith("Internal Server Error: /")


def test_every_handler_leaves_tokens_out(settings):
    handlers = settings.LOGGING["handlers"].values()

    assert all("without_tokens" in handler["filters"] for handler in handlers)
