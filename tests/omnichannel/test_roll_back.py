from __future__ import annotations

import pytest

from omnichannel import publishing, rendering
from omnichannel.comparing import MOST_LINES, changed_lines, compare
from omnichannel.exceptions import TemplateError
from omnichannel.publishing import publish, roll_back
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db

GERMAN = {"language": "de", "subject": "Hallo", "text": "Hallo"}


def kinds(old, new):
    return [(line.kind, line.text) for line in changed_lines(old, new)]


def test_rolling_back_publishes_the_old_content_as_the_next_version(admin_user):
    template = make_template()
    first = publish(template, subject="One", text="1", headers={"X-A": "1"}, translations=[GERMAN])
    publish(template, subject="Two", text="2")

    third = roll_back(template, first, by=admin_user)

    template.refresh_from_db()
    assert template.published_version == third
    assert (third.number, third.subject, third.created_by) == (3, "One", admin_user)
    assert publishing.is_same(first, third)
    assert rendering.render(third, {"language": "de"}, {}).subject == "Hallo"
    assert first.texts.count() == 1


def test_rolling_back_to_what_is_published_makes_no_version():
    template = make_template()
    first = publish(template, subject="One", text="1")

    assert roll_back(template, first, by=None) == first
    assert template.versions.count() == 1


def test_another_templates_version_is_refused():
    with pytest.raises(TemplateError, match="is not a version of"):
        roll_back(make_template(), make_version(), by=None)


def test_a_text_that_the_language_does_not_allow_any_more_stays_where_it_is():
    template = make_template()
    old = make_version(template, html="{{ 'a' * 9 }}", text="x")
    make_version(template)

    with pytest.raises(TemplateError, match="Multiplying"):
        roll_back(template, old, by=None)

    assert template.versions.count() == 2


def test_every_field_that_differs_is_told_and_no_other():
    template = make_template()
    old = publish(template, subject="One", html="<p>a</p>\n<p>b</p>", static_cc="a@example.com")
    new = publish(
        template,
        subject="Two",
        html="<p>a</p>\n<p>c</p>",
        static_cc="a@example.com",
        headers={"X-A": "1"},
        translations=[GERMAN],
    )

    found = {(change.language, change.field): change.lines for change in compare(old, new)}

    assert sorted(found) == [
        ("", "HTML"),
        ("", "Headers"),
        ("", "Languages"),
        ("", "Subject"),
        ("de", "Subject"),
        ("de", "Text"),
    ]
    assert [(line.kind, line.old, line.new) for line in found["", "HTML"]] == [
        ("same", 1, 1),
        ("removed", 2, None),
        ("added", None, 2),
    ]
    assert [(line.kind, line.text) for line in found["", "Headers"]] == [("added", "X-A: 1")]


def test_far_away_lines_are_left_out():
    lines = [str(number) for number in range(30)]

    found = list(changed_lines(lines, [*lines[:15], "new", *lines[15:]]))

    assert [line.kind for line in found] == ["gap", *3 * ["same"], "added", *3 * ["same"], "gap"]
    assert (found[0].old, found[-1].old) == (12, 12)


def test_html_in_one_line_is_broken_between_its_tags():
    old = "<p>a</p>" * 100
    template = make_template()
    one, two = make_version(template, html=old), make_version(template, html=old + "<p>b</p>")

    lines = compare(one, two)[0].lines

    assert [(line.kind, line.text) for line in lines if line.kind == "added"] == [
        ("added", "<p>b</p>")
    ]


def test_a_huge_text_is_not_matched_line_by_line():
    old = [str(number) for number in range(MOST_LINES + 5)]

    found = list(changed_lines(old, ["x"]))

    assert {line.kind for line in found} == {"removed", "added", "gap"}
    assert found[-1].old == 5


def test_the_same_version_has_no_changes():
    version = make_version()

    assert compare(version, version) == []
    assert kinds(["a"], ["a"]) == [("gap", "")]
