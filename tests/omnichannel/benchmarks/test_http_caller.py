from __future__ import annotations

import json
import subprocess
import sys

from omnichannel.benchmarks import http_caller
from tests.servers.http import Answer, HttpServer


def test_calls_are_made_over_kept_connections_and_counted():
    with HttpServer(Answer(202, {"ok": True})) as server:
        done = subprocess.run(
            [sys.executable, http_caller.__file__, str(server.port), "/messages/", "key", "6", "2"],
            input=b'{"a": 1}',
            capture_output=True,
            check=True,
            timeout=60,
        )
    told = json.loads(done.stdout)

    assert told["statuses"] == {"202": 6}
    assert len(told["times"]) == 6
    assert server.connections == 2
    assert {request.body for request in server.requests} == {b'{"a": 1}'}
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer key"}
