"""A template that only names variables is filled in without Jinja: always to the same text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.environment import HTML, TEXT, run
from omnichannel.rendering.parts import Part
from omnichannel.rendering.values import names_of

VALUE = st.one_of(
    st.text(max_size=30), st.text("<>&\"'a ", max_size=9), st.integers(), st.floats(),
    st.booleans(), st.none(), st.lists(st.text("<a", max_size=3), max_size=3),
)  # fmt: skip
PIECE = st.sampled_from(
    ["Hello ", "<p>", "{{ a }}", "{{ b }}", "{{ event.c }}", "{{ global.d }}", "{{ gone }}",
     '{{ a|default("x & y") }}', '{{ gone|d("-") }}', "{{ b|default }}", "{{ event.gone }}",
     "{{ a.b }}", "\n"]
)  # fmt: skip


def shown(render):
    try:
        return render()
    except TemplateError as error:
        return str(error)


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(PIECE, max_size=8), a=VALUE, b=VALUE, c=VALUE, d=VALUE)
def test_plain_parts_say_what_jinja_says(pieces, a, b, c, d):
    names = names_of({"a": a, "b": b, "event": {"c": c}}, {"d": d}, {})

    for language in (HTML, TEXT):
        part = Part(language, "".join(pieces))
        assert part.is_plain
        assert shown(lambda part=part: "".join(part.fill(names))) == shown(
            lambda part=part: run(part.template, names)
        )


@pytest.mark.parametrize(
    "source",
    ["{% if a %}x{% endif %}", "{{ a|upper }}", '{{ a|default(b) }}', "{{ a if b else 1 }}",
     "{{ a[0] }}", "{% for x in a %}{{ x }}{% endfor %}", "{{ 1 }}"],
)  # fmt: skip
def test_anything_more_is_left_to_jinja(source):
    assert not Part(TEXT, source).is_plain


def test_constant_pieces_are_the_same_objects_in_every_message():
    part = Part(HTML, "<p>Dear {{ name }}, welcome to {{ city }}.</p>")

    first, second = (part.fill({"name": name, "city": "Cluj"}) for name in ("Ann", "Ben"))

    assert [id(piece) for piece in first[::2]] == [id(piece) for piece in second[::2]]


def test_a_result_that_is_too_long_is_refused():
    part = Part(TEXT, "{{ a }}" * 50)

    with pytest.raises(TemplateError, match="longer than"):
        part.fill({"a": "x" * 100_000})
