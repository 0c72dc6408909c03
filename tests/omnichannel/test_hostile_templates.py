"""Templates that want more than to be a template: refused at once, with nothing harmed."""

from __future__ import annotations

import resource
import time

import pytest

from omnichannel.exceptions import TemplateError
from omnichannel.rendering import check, examine, filters, sandbox
from omnichannel.rendering.environment import TEXT, run

SAMPLES = {
    "name": "Ana",
    "items": ["a", "b"],
    "many": list(range(1000)),
    "order": {"lines": [1, 2], "count": 2},
}

HOSTILE = {
    "range": "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "range in a value": "{{ range(10) }}",
    "repeat": "{{ 'a' * 2000000000 }}",
    "repeat in a dead branch": "{% if 0 %}{{ 'a' * 900000000 }}{% endif %}",
    "repeat a list": "{{ [1] * 900000000 }}",
    "power": "{{ 9 ** 999999999 }}",
    "ljust": "{{ name.ljust(2000000000) }}",
    "center method": "{{ name.center(2000000000) }}",
    "center filter": "{{ name|center(2000000000) }}",
    "format method": "{{ '{:>2000000000}'.format(1) }}",
    "format filter": "{{ '%2000000000d'|format(1) }}",
    "percent": "{{ '%2000000000d' % 1 }}",
    "join with ~": "{% set a = name ~ name %}",
    "doubling in a loop": (
        "{% set ns = namespace(a='x') %}{% for i in many %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}"
    ),
    "doubling by replace": "{{ 'aaaaaaaaaa'" + "|replace('a', 'aaaaaaaaaa')" * 9 + " }}",
    "doubling by join": "{% set s = many|join(many|join(many|join(many|join('xx')))) %}{{ s }}",
    "set with a body": "{% set a %}xx{% endset %}{{ a }}",
    "macro": "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(30) }}",
    "call block": "{% call x() %}{% endcall %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "with": "{% with a = 1 %}{{ a }}{% endwith %}",
    "wordwrap": "{{ name|wordwrap(1, wrapstring='x') }}",
    "batch": "{{ items|batch(900000000, 'x')|list }}",
    "slice filter": "{{ items|slice(900000000)|list }}",
    "slice": "{{ name[::-1] }}",
    "indent": "{{ name|indent(900000000) }}",
    "lipsum": "{{ lipsum(100000) }}",
    "cycler": "{{ cycler('a').next() }}",
    "recursive loop": "{% for i in items recursive %}{{ loop(items) }}{% endfor %}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'x' as y %}",
    "from": "{% from 'x' import y %}",
    "extends": "{% extends 'x' %}",
    "block": "{% block a %}{% endblock %}",
    "self": "{{ self }}",
    "class": "{{ name.__class__.__mro__[1].__subclasses__() }}",
    "class by key": "{{ name['__class__'] }}",
    "class by attr filter": "{{ name|attr('__class__') }}",
    "class by map": "{{ items|map(attribute='__class__')|list }}",
    "method call": "{{ name.upper() }}",
    "loop over text": "{% for c in name %}{{ c }}{% endfor %}",
    "loop over a constant": "{% for c in 'abc' %}{{ c }}{% endfor %}",
    "loops without end": "{% for a in many %}" * 3 + "x" + "{% endfor %}" * 3,
    "four loops": "{% for a in items %}" * 4 + "x" + "{% endfor %}" * 4,
    "date width": "{{ '2026-03-02'|date('%999999999d') }}",
    "number width": "{{ 1|number(999999999) }}",
    "round width": "{{ 1|round(999999999) }}",
    "huge number": "{{ " + "9" * 6000 + " }}",
    "huge exponent": "{{ '1e999999999'|number(2) }}",
    "deep brackets": "{{ " + "(" * 5000 + "name" + ")" * 5000 + " }}",
    "deep not": "{{ " + "not " * 20000 + "name }}",
    "deep if": "{% if name %}" * 200 + "x" + "{% endif %}" * 200,
    "many filters": "{{ name" + "|upper" * 20000 + " }}",
    "half a million tags": "{{name}}" * 500_000,
    "half a million loops": "{% for i in items %}" * 500_000,
    "huge source": "x" * 3_000_000,
    "huge output": "{% for a in many %}" + "x" * 4000 + "{% endfor %}",
    "star arguments": "{{ name|replace(*items) }}",
    "do": "{% do items.append(1) %}",
    "nested lists": "{{ [[[[1]]]] }}",
    "lone surrogate": "{{ \ud800 }}",
}


def cpu_seconds() -> float:
    """Of this thread and of its children that have ended: a busy machine changes nothing of it."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.thread_time() + children.ru_utime + children.ru_stime


@pytest.mark.parametrize("part", ["html", "text"])
@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.fault(34)
def test_hostile_template_is_refused_in_two_seconds_of_a_processor(source, part):
    parts = {"subject": "", "html": "", "text": "", part: source}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = cpu_seconds()

    with pytest.raises(TemplateError) as refused:
        examine(**parts, values=SAMPLES, global_values={})

    assert cpu_seconds() - started < 2
    assert len(str(refused.value)) < 500
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # kB


@pytest.mark.parametrize(
    ("greed", "told"),
    [("while True: pass", "takes too long"), ("x = 'a' * 900_000_000", "cannot be checked")],
)
def test_child_dies_of_its_limits_alone(monkeypatch, greed, told):
    code = f"import sys; sys.path.insert(0, sys.argv[1])\nfrom {check.__name__} import limit\n"
    monkeypatch.setattr(sandbox, "CODE", f"{code}limit()\n{greed}")
    started = cpu_seconds()

    with pytest.raises(TemplateError, match=told):
        sandbox.ask({"text": greed})

    assert cpu_seconds() - started < 4


def test_child_knows_no_secret_of_ours(monkeypatch):
    code = "import json, os, sys; sys.stdout.write(json.dumps({'variables': sorted(os.environ)}))"
    monkeypatch.setattr(sandbox, "CODE", code)

    names = sandbox.ask({"text": "environment"})["variables"]

    assert set(names) <= {"LC_CTYPE"}


LISTS = "{% set l = [" + ",".join("1" * 50) + "] %}{% for a in l %}{% for b in l %}"
SLOW = {
    "filters in loops": (LISTS + "{% set x = v|urlencode %}{% endfor %}{% endfor %}", "ü" * 8000),
    "looking in loops": (
        LISTS + "{% if 'aaaaaaaaaaab' in v %}{% endif %}{% endfor %}{% endfor %}",
        "a" * 1_000_000,
    ),
    "a chain of filters": ("{{ v" + "|title|lower" * 18 + " }}", "a b " * 12_000),
}


@pytest.mark.parametrize(("source", "value"), SLOW.values(), ids=SLOW)
@pytest.mark.fault(34)
def test_what_a_record_makes_slow_is_bounded_while_sending(monkeypatch, source, value):
    """The check at the save saw the sample values only."""
    monkeypatch.setattr(filters, "RUN_SECONDS", 0.002)
    template = TEXT.load(source)
    started = time.thread_time()

    with pytest.raises(TemplateError, match="too long"):
        run(template, {"v": value})

    assert time.thread_time() - started < 2


@pytest.mark.parametrize("test", ["even", "odd"])
def test_a_record_cannot_make_a_test_fill_the_memory(test):
    template = TEXT.load("{% if v is " + test + " %}yes{% endif %}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(TemplateError):
        run(template, {"v": "%999999999d"})

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
