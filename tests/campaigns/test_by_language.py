from __future__ import annotations

import pytest

from campaigns.models import AudienceMember
from campaigns.preflight import check
from omnichannel.models import Suppression, TemplateText
from tests.factories import NOW
from tests.factories_campaigns import make_campaign, make_people, make_published_template

pytestmark = pytest.mark.django_db


def spoken_to(*records, text="Hallo", **values):
    """The pre-flight of a campaign in English, German and Brazilian Portuguese."""
    people = make_people([f"p{number}@example.com" for number in range(len(records))])
    for member, variables in zip(AudienceMember.objects.order_by("id"), records, strict=True):
        member.variables = {"first_name": "Ana", **variables}
        member.save()
    template = make_published_template(languages=["de", "pt-BR"], **values)
    for position, language in enumerate(template.published_version.languages, 1):
        TemplateText.objects.create(
            version=template.published_version,
            position=position,
            language=language,
            text=text,
            variables=["nickname"] if language == "de" else [],
        )
    return check(make_campaign(template=template, audience=people), NOW)


def test_readers_are_counted_by_the_text_they_get():
    found = spoken_to(
        {"language": "de-AT"},
        {"language": "", "locale": "DE"},
        {"lang": "pt_BR"},
        {"language": "pt"},
        {"language": 7},
        {},
    )

    assert found.languages == {"default": 3, "de": 2, "pt-BR": 1}
    assert found.records == 6


def test_who_gets_nothing_is_in_no_language():
    Suppression.objects.create(channel_type="email", address="p0@example.com")

    found = spoken_to({"language": "de"}, {"language": "de"})

    assert found.languages["de"] == 1


def test_a_template_of_one_language_is_not_counted():
    assert check(make_campaign(), NOW).languages == {}


def test_what_only_a_translation_uses_is_missed_as_well():
    found = spoken_to({"language": "de"})

    assert "does not have: nickname" in " ".join(found.warnings)


def test_a_translation_that_cannot_be_filled_is_a_problem_before_the_start():
    found = spoken_to({}, text="{{ first_nmae }}")

    assert 'first record, in de: Unknown variable "first_nmae"' in " ".join(found.problems)


def test_a_template_for_other_messages_is_warned_of():
    template = make_published_template()
    template.category = "transactional"
    template.save()

    found = check(make_campaign(template=template), NOW)

    assert "is meant for transactional messages" in " ".join(found.warnings)
