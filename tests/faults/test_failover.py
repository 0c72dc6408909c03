"""What looks like a restore and is none: a standby of PostgreSQL takes over; and, beside it, two
whole products on one copied folder.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from urllib.request import urlopen

import pytest

from tests.faults.own_postgres import OwnPostgres, binaries
from tests.journeys.product import Product, children_of, is_alive, wait_until
from tests.live import LiveStudio

LOOK = """
from django.utils import timezone
from omnichannel import installation
from omnichannel.models import Installation
installation.look(timezone.now())
row = Installation.objects.get()
print(row.uuid, row.held_reason)
"""


# The standby lacks the last moments of the server that is gone.
BEHIND = (
    "from omnichannel.models import Installation\n"
    "from django.db.models import F\n"
    "Installation.objects.update(counter=F('counter') - 20)\n" + LOOK
)
# The checkpoint after the promotion takes its time.
MUCH = "CREATE TABLE much AS SELECT g, repeat('x', 200) FROM generate_series(1, 30000) AS g"


@pytest.mark.slow
@pytest.mark.fault(43)
def test_a_standby_that_takes_over_holds_nothing(tmp_path):
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed")
    with OwnPostgres(found) as server, LiveStudio(tmp_path, server.url) as studio:
        found = [studio.run(LOOK)]
        with server.replaced(MUCH) as standby:
            studio.postgres_url = standby.url
            found += [studio.run(BEHIND), studio.run(LOOK)]
        studio.postgres_url = server.url

    assert found == [found[0]] * 3
    assert len(found[0].split()) == 1  # no reason


def ready(product: Product) -> str:
    with urlopen(f"{product.url}/readyz", timeout=10) as answer:
        return answer.read().decode()


def end(process: subprocess.Popen) -> None:
    workers = children_of(process)
    process.terminate()
    process.wait(10)
    wait_until(lambda: not any(map(is_alive, workers)), "end of the workers", 8)


@pytest.mark.slow
@pytest.mark.fault(44)
def test_a_second_product_on_a_copied_folder_is_held_and_the_first_is_not(tmp_path):
    folders = tmp_path / "first", tmp_path / "second"
    folders[0].mkdir()
    with Product(folders[0], SEND_PROCESSES="1") as first, ExitStack() as ended:
        end(first.up())
        shutil.copytree(*folders)
        second = Product(folders[1], SEND_PROCESSES="1")
        ended.callback(second.__exit__)

        first.up()
        second.up()

        wait_until(lambda: "Sending is held" in ready(second), "hold of the second")
        wait_until(lambda: "processes alive: 1" in ready(first), "worker of the first")
        assert "held" not in ready(first)
        reason = second.look_up("SELECT held_reason FROM omnichannel_installation")
        assert str(folders[0]) in reason[0][0]
