"""`bench` and `prove`: which module runs with what, what is printed, how it ends."""

from __future__ import annotations

import json
import signal
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from omnichannel.benchmarks.base import Figure
from omnichannel.management import measuring
from omnichannel.proofs.base import ProofFailed, Size


@pytest.fixture
def module(monkeypatch):
    """A module that is found as `wheel`, beside nothing else, and keeps the options it got."""
    module = SimpleNamespace(
        NAME="wheel", N=7, USUAL=Size(1000, 100), SHORT=Size(10, 2), figures=[], error=None
    )

    def run(options):
        module.options = options
        yield from module.figures
        if module.error:
            raise module.error

    module.run = run
    term = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("BENCH_DATABASE", "own")
    monkeypatch.setattr(measuring, "modules", lambda package: {"wheel": module})
    yield module
    signal.signal(signal.SIGTERM, term)


def call(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, "wheel", *arguments, stdout=out)
    return out.getvalue()


def test_the_proofs_of_all_apps_are_found():
    found = measuring.modules("proofs").keys()

    assert found == {"crash", "broker", "scheduler", "pause", "otp", "integrations"}


def test_every_proof_has_a_short_form_that_is_smaller():
    for module in measuring.modules("proofs").values():
        assert module.SHORT.n < module.USUAL.n
        assert module.SHORT.times < module.USUAL.times


@pytest.mark.parametrize("command", ["bench", "prove"])
def test_unknown_name_is_refused_with_the_known_ones(module, command):
    with pytest.raises(CommandError, match=r"no lever among .* Known: wheel"):
        call_command(command, "lever")


def test_proof_runs_in_its_usual_size_unless_told_otherwise(module):
    call("prove")

    assert (module.options.n, module.options.times) == (1000, 100)
    assert (module.options.db, module.options.policy) == ("sqlite", "hold")
    assert (module.options.processes, module.options.connections) == (2, 1)


def test_short_form_is_smaller(module):
    call("prove", "--short")

    assert (module.options.n, module.options.times) == (10, 2)


def test_sizes_that_are_given_win_over_the_short_form(module):
    call("prove", "--short", "--messages=500", "--kills=9", "--policy=retry", "--seed=3")

    assert (module.options.n, module.options.times) == (500, 9)
    assert (module.options.policy, module.options.seed) == ("retry", 3)


def test_figure_within_its_bounds_ends_well(module):
    module.figures = [Figure("wheel.lost", 0, "messages", 1000, at_most=0)]

    printed = call("prove")

    assert printed.split() == ["wheel.lost", "0.00", "messages", "n=1,000", "at", "most", "0"]


def test_json_is_one_object_per_line(module):
    module.figures = [Figure("wheel.lost", 0, "messages", at_most=0), Figure("wheel.s", 1.5, "s")]

    lines = [json.loads(line) for line in call("prove", "--json").splitlines()]

    assert [line["figure"] for line in lines] == ["wheel.lost", "wheel.s"]
    assert set(lines[0]) == {"figure", "value", "unit", "n", "seconds", "peak_mb"}


def test_broken_bounds_end_in_an_error_that_names_each(module):
    module.figures = [
        Figure("wheel.lost", 2, "messages", at_most=0, meaning="Nobody knows."),
        Figure("wheel.kills", 3, "kills", at_least=5, meaning="Too few."),
        Figure("wheel.seconds", 60, "s"),
    ]

    with pytest.raises(CommandError) as caught:
        call("prove")

    assert str(caught.value).splitlines() == [
        "wheel.lost is 2, allowed is at most 0. Nobody knows.",
        "wheel.kills is 3, allowed is at least 5. Too few.",
    ]


def test_proof_that_comes_to_no_end_is_an_error(module):
    module.error = ProofFailed("The end: not within 5 s.")

    with pytest.raises(CommandError, match="not within 5 s"):
        call("prove")


def test_benchmark_gets_its_usual_size(module):
    module.figures = [Figure("wheel.rate", 12, "rows/s", 7, 0.5, 80)]

    assert "n=7  0.5 s  peak 80 MB" in call("bench")
    assert module.options.n == 7


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program in the place of `manage.py prove wheel`, as the one that is called."""
    monkeypatch.setenv("BENCH_DATABASE", "")
    monkeypatch.setenv("DATABASE_URL", "postgres://studio@127.0.0.1/studio")
    monkeypatch.setattr(measuring.subprocess, "run", lambda *given, **options: None)
    path = tmp_path / "program.py"
    monkeypatch.setattr(measuring.sys, "argv", [str(path)])
    return path


def test_run_has_a_database_of_its_own(module, program, tmp_path):
    program.write_text(f"""
import json, os
with open({str(tmp_path / "env")!r}, "w") as file:
    json.dump(dict(os.environ), file)
""")

    call("prove")

    env = json.loads((tmp_path / "env").read_text())
    assert env["BENCH_DATABASE"] == "own"
    assert "studio-bench-" in env["VAR_DIR"]
    assert "DATABASE_URL" not in env


@pytest.mark.parametrize("code", ["sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_run_that_ends_badly_ends_the_command_badly(module, program, code):
    program.write_text(f"import os, sys; {code}")

    with pytest.raises(SystemExit) as ended:
        call("prove")

    assert ended.value.code in (1, 3)


def test_small_figure_keeps_its_digits(module):
    module.figures = [Figure("wheel.chance", 0.000023456, "chance")]

    assert "2.3e-05 chance" in call("prove")
    assert json.loads(call("prove", "--json"))["value"] == 2.346e-05
