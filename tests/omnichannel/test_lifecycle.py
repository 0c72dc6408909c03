from __future__ import annotations

import os

from omnichannel.lifecycle import request_stop, stop_requested


def test_a_forked_process_sees_the_stop_of_its_parent(free_to_run):
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ready, 1)
        os._exit(7 if stop_requested() else 1)

    request_stop()
    os.write(tell, b".")
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 7
