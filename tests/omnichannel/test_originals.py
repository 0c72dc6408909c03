from __future__ import annotations

import pytest

from omnichannel import cloning, originals, publishing, rendering
from omnichannel.exceptions import TemplateError
from omnichannel.models import MessageTemplate
from omnichannel.publishing import SystemTemplate, publish
from omnichannel.sms_text import measure
from omnichannel.variables import ensure_read_only_set, global_values
from tests.factories_templates import make_template

pytestmark = pytest.mark.django_db
ALL = list(originals.originals())


@pytest.mark.parametrize("original", ALL, ids=lambda original: original.key)
def test_every_original_passes_the_check_that_operators_texts_pass(original):
    ensure_read_only_set()
    template = make_template(
        channel_type=original.channel_type, sample_variables=original.sample, name="Mine"
    )

    version = publish(template, **original.content)

    shown = rendering.render(version, original.sample, global_values())
    assert "[body]" not in shown.html
    assert "[foot]" not in shown.html
    assert shown.text


@pytest.mark.parametrize(
    "original", [each for each in ALL if each.channel_type == "sms"], ids=lambda each: each.key
)
def test_a_text_message_fits_into_one_part(original):
    template = make_template(channel_type="sms", sample_variables=original.sample)
    version = publish(template, **original.content)

    shown = rendering.render(version, original.sample, {"company_name": "Example Company"})

    assert measure(shown.text).parts == 1


def test_they_are_made_once():
    assert originals.ensure() == len(ALL)
    assert originals.ensure() == 0

    rows = MessageTemplate.objects.all()
    assert {row.system_key for row in rows} == {original.key for original in ALL}
    assert all(row.published_version.compiled_text for row in rows)


def test_asking_again_takes_one_query(django_assert_num_queries):
    originals.ensure()

    with django_assert_num_queries(1):
        originals.ensure()


def test_a_release_with_a_better_text_publishes_it(monkeypatch):
    originals.ensure()
    better = ALL[-1]._replace(content={"text": "Better"})
    monkeypatch.setattr(originals, "originals", lambda: iter([better]))

    originals.ensure()

    template = MessageTemplate.objects.get(system_key=better.key)
    assert (template.published_version.number, template.published_version.text) == (2, "Better")
    assert template.versions.count() == 2


def test_an_original_cannot_be_changed_or_deleted():
    originals.ensure()
    template = MessageTemplate.objects.get(system_key="welcome-email")

    with pytest.raises(SystemTemplate, match="clone it"):
        publish(template, subject="Mine", text="Mine")
    with pytest.raises(SystemTemplate, match="clone it"):
        publishing.delete(template)

    assert template.versions.count() == 1


def test_a_clone_of_an_original_is_ones_own(admin_user):
    originals.ensure()
    original = MessageTemplate.objects.get(system_key="welcome-email")

    copy = cloning.clone(original, by=admin_user)

    assert (copy.name, copy.is_system, copy.category) == ("Welcome", False, "transactional")
    assert copy.published_version.compiled_html == original.published_version.compiled_html
    assert (copy.published_version.number, copy.published_version.created_by) == (1, admin_user)
    assert publish(copy, subject="Mine", text="Mine").number == 2


def test_a_clone_takes_everything_with_it():
    template = make_template(name="Sale", priority=1, is_demo=True)
    publish(
        template,
        subject="Hi",
        text="Hi",
        static_cc="ops@example.com",
        headers={"X-Team": "Growth"},
        translations=[{"language": "de", "subject": "Hallo", "text": "Hallo"}],
    )

    first = cloning.clone(template, by=None)
    second = cloning.clone(template, by=None)

    version = first.published_version
    assert (first.name, second.name) == ("Sale (copy)", "Sale (copy 2)")
    assert (first.priority, first.is_demo) == (1, False)
    assert (version.static_cc, version.headers) == ("ops@example.com", {"X-Team": "Growth"})
    assert [text.subject for text in version.texts.all()] == ["Hallo"]
    assert publishing.is_same(version, template.published_version)


def test_a_name_that_is_taken_is_refused():
    template = make_template(name="Sale")

    with pytest.raises(TemplateError, match="already") as refused:
        cloning.clone(template, by=None, name="Sale")

    assert refused.value.part == "name"


def test_a_template_without_a_text_is_cloned_too():
    assert cloning.clone(make_template(), by=None).published_version is None


@pytest.mark.parametrize("total", [117.5, "117.50"])
def test_an_order_confirmation_shows_money_with_its_cents(total):
    original = next(each for each in ALL if each.key == "order-placed-email")
    ensure_read_only_set()
    template = make_template(sample_variables=original.sample)
    version = publish(template, **original.content)

    shown = rendering.render(version, {**original.sample, "total": total}, global_values())

    assert "117.50 EUR" in shown.text
