from __future__ import annotations

import pytest
import time_machine

from omnichannel import publishing, rendering, short_links
from omnichannel.delivery import drain
from omnichannel.exceptions import TemplateError
from omnichannel.models import Message, TemplateText, TemplateVersion
from omnichannel.previewing import preview
from omnichannel.publishing import publish
from omnichannel.rendering.languages import chain, choose, position_for, tag_of
from tests.factories import NOW, make_message, make_provider
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db
OFFERED = ("pt", "pt-BR", "zh-Hant")


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("pt", "pt"),
        ("PT_br", "pt-BR"),
        (" zh_hant_tw ", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("DE-ch-1996", "de-CH-1996"),
    ],
)
def test_tags_are_stored_in_their_usual_form(written, tag):
    assert tag_of(written) == tag


@pytest.mark.parametrize("written", ["", "p", "portuguese", "pt-", "pt BR", "pt/BR", "a" * 40])
def test_what_is_no_tag_is_refused(written):
    with pytest.raises(TemplateError, match="is not a language"):
        tag_of(written)


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("pt-BR", "pt-BR"),
        ("PT_br", "pt-BR"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("pt-BR,pt;q=0.9", "pt-BR"),
        ("pt-PT", "pt"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh", ""),
        ("en-GB", ""),
        ("", ""),
        ("\x00 nonsense", ""),
    ],
)
def test_the_nearest_text_is_chosen(written, language):
    position = choose(written, OFFERED)

    assert (OFFERED[position - 1] if position else "") == language


def test_a_private_part_is_taken_away_with_what_introduces_it():
    assert chain("pt-BR-x-shop") == ["pt-br-x-shop", "pt-br", "pt"]


@pytest.mark.parametrize(
    ("values", "position"),
    [
        ({"language": "pt"}, 1),
        ({"locale": "pt_BR"}, 2),
        ({"lang": "pt-br"}, 2),
        ({"language": "", "locale": "pt"}, 1),
        ({"event": {"language": "pt"}}, 1),
        ({"language": "fr", "event": {"language": "pt"}}, 0),
        ({"language": ["pt"]}, 0),
        ({"event": "pt"}, 0),
        ({}, 0),
    ],
)
def test_the_recipients_own_data_names_the_language(values, position):
    assert position_for(OFFERED, values) == position


def spoken(**values):
    """A published version with a German text, and one for Brazil."""
    template = make_template(sample_variables={"name": "Ana"})
    return publish(
        template,
        subject="Hello {{ name }}",
        html='<a href="https://example.com/en">Hello {{ name }}</a>',
        translations=[
            {
                "language": "de",
                "subject": "Hallo {{ name }}",
                "html": '<a href="https://example.com/de">Hallo {{ name }}</a>',
            },
            {"language": "PT_br", "subject": "Oi", "text": "Oi {{ name }}"},
        ],
        **values,
    )


@pytest.mark.parametrize(
    ("values", "language", "said"),
    [
        (None, "", ("default", "Hello Ana")),
        (None, "de-AT", ("de", "Hallo Ana")),
        ({"name": "Bo", "language": "de"}, "", ("de", "Hallo Bo")),
        ({"name": "Bo", "language": "de"}, "pt-BR", ("pt-BR", "Oi")),
        ({"name": "Bo", "language": "de"}, "en", ("default", "Hello Bo")),
    ],
)
def test_a_preview_is_in_the_language_asked_for(values, language, said):
    version = spoken()

    found = preview(version.template, version, values=values, language=language)

    assert (found.language, found.rendered.subject) == said


@pytest.mark.parametrize(
    ("language", "subject"), [("de-AT", "Hallo Ana"), ("pt-BR", "Oi"), ("fr", "Hello Ana")]
)
def test_a_message_says_it_in_the_recipients_language(language, subject):
    message = Message(template_version=spoken(), variables={"name": "Ana", "language": language})

    assert rendering.render_message(message).subject == subject


def test_what_is_sent_is_what_is_shown_afterwards(provider, scripted):
    values = {"name": "Ana", "language": "de"}
    message = make_message(provider=provider, template_version=spoken(), variables=values)

    with time_machine.travel(NOW, tick=True):
        drain()

    message = Message.objects.get(pk=message.pk)
    assert [sent.subject for sent in scripted.seen] == ["Hallo Ana"]
    assert rendering.render_message(message).subject == "Hallo Ana"


def test_a_version_without_further_texts_asks_the_database_for_none(django_assert_num_queries):
    version = TemplateVersion.objects.get(pk=make_version().pk)

    with django_assert_num_queries(0):
        rendering.render(version, {"language": "de"}, {})


def test_texts_are_read_once_for_all_messages_of_a_version(django_assert_num_queries):
    version = TemplateVersion.objects.get(pk=spoken().pk)

    with django_assert_num_queries(1):
        for language in ("de", "pt-BR", "fr", "de"):
            rendering.render(version, {"name": "Ana", "language": language}, {})


def test_a_click_leads_where_the_text_that_was_read_leads():
    version = spoken()
    message = make_message(template_version=version, variables={"name": "A", "language": "de"})

    html = rendering.render_message(message, clicks=True).html

    assert "/10001" in html
    assert rendering.link_target(message, 10_001) == "https://example.com/de"
    assert rendering.link_target(message, 1) == "https://example.com/en"
    assert rendering.constant_target(version, 10_001) == "https://example.com/de"
    assert rendering.link_target(message, 30_001) is None
    assert rendering.link_hrefs(version)[10_001] == "https://example.com/de"


def test_further_texts_are_stored_with_the_version_and_compiled():
    version = spoken()

    german, brazilian = TemplateText.objects.filter(version=version)
    assert version.languages == ["de", "pt-BR"]
    assert (german.language, german.compiled_text) == (
        "de",
        "Hallo {{ name }} (https://example.com/de)",
    )
    assert (brazilian.position, brazilian.variables) == (2, ["name"])


def test_the_same_texts_again_make_no_version():
    template = spoken().template
    current = template.published_version

    again = publish(
        template,
        subject=current.subject,
        html=current.html,
        translations=[
            {name: getattr(text, name) for name in ("language", "subject", "html", "text")}
            for text in current.further_texts.values()
        ],
    )

    assert again.pk == current.pk


def test_one_changed_translation_makes_a_version():
    version = spoken()

    again = publish(
        version.template,
        subject=version.subject,
        html=version.html,
        translations=[{"language": "de", "subject": "Tag", "text": "Tag"}],
    )

    assert (again.number, again.languages) == (2, ["de"])
    assert version.texts.count() == 2


@pytest.mark.parametrize(
    ("translations", "told"),
    [
        ([{"language": "german", "text": "Hallo"}], "is not a language"),
        ([{"language": "de", "text": "a"}, {"language": "DE", "text": "b"}], "de is there twice"),
        ([{"language": "de", "text": " "}], "de: write its text"),
        (
            [{"language": "de", "text": "{{ nmae }}"}],
            "de: Text, line 1, column 4: Unknown variable",
        ),
        ([{"language": "de", "text": "{{ 'a' * 9 }}"}], "de: Text.*Multiplying"),
        ([{"language": "de", "text": "a"}] * 31, "At most 30"),
    ],
)
def test_a_translation_that_cannot_be_used_is_refused(translations, told):
    template = make_template()

    with pytest.raises(TemplateError, match=told) as refused:
        publish(template, subject="Hi", text="Hi", translations=translations)

    assert refused.value.part == "translations"
    assert not template.versions.exists()


def test_missing_languages_and_variables_are_warned_of():
    before = spoken()
    template = before.template
    after = publish(
        template,
        subject="Hello {{ name }}",
        text="Hello",
        translations=[{"language": "pt-BR", "subject": "Oi", "text": "Oi"}],
    )

    assert publishing.warnings(template, after, before) == [
        "de was taken out: its readers get the default text.",
        "There is pt-BR but no pt: other readers of pt get the default text.",
        "pt-BR does not use name, as the default does.",
    ]


def test_a_text_in_another_language_is_held_against_the_registered_one():
    template = make_template(channel_type="sms")
    registered = {"text": "Hello", "dlt_text": "Hello"}

    with pytest.raises(TemplateError, match=r"de: .* deviates from the DLT") as refused:
        publish(template, translations=[{"language": "de", "text": "Hallo"}], **registered)

    assert refused.value.part == "translations"


def test_a_short_link_leads_where_the_text_that_was_read_leads():
    template = make_template(channel_type="sms")
    version = publish(
        template,
        text="See https://example.com/en",
        url_shorten=True,
        translations=[{"language": "de", "text": "Siehe https://example.com/de"}],
    )
    message = make_message(
        template_version=version,
        variables={"language": "de"},
        provider=make_provider(channel_type="sms"),
    )

    assert short_links.target(message, 1) == "https://example.com/de"


def test_every_text_is_written_in_what_the_version_is_written_in():
    def mjml(text):
        body = f"<mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section>"
        return f"<mjml><mj-body>{body}</mj-body></mjml>"

    german = {"language": "de", "subject": "Hallo", "html": mjml("Hallo {{ name }}")}
    template = make_template(sample_variables={"name": "Ana"})

    version = publish(
        template, source_kind="mjml", subject="Hi", html=mjml("Hi"), translations=[german]
    )

    shown = rendering.render(version, {"name": "Ana", "language": "de"}, {})
    assert "<mj-text" not in shown.html
    assert "Hallo Ana" in shown.html
    assert publishing.is_same(version, publishing.copied(version))
