"""Who may look only sees the pages, and nothing to press."""

from __future__ import annotations

import pytest

from integrations.models import DocumentTemplate, DocumentTemplateVersion
from tests.factories_integrations import make_as2, make_rule, make_sftp, make_transmission
from tests.integrations.admin.envelopes_made import make_envelope
from tests.integrations.admin.posted import PLACE, client_with

pytestmark = pytest.mark.django_db


def rows():
    row = make_sftp().integration
    rule = make_rule(row.mailbox, body="the body of it")
    template = DocumentTemplate.objects.create(account=rule.account, name="Order")
    fields = [{"name": "order_number", "type": "text", "required": True, "table": ""}]
    DocumentTemplateVersion.objects.create(template=template, number=1, fields=fields)
    return {
        "account": rule.account,
        "mailbox": row.mailbox,
        "integration": row,
        "conversionrule": rule,
        "envelope": make_envelope(row.mailbox, [make_as2().integration.mailbox]),
        "transmission": make_transmission(row),
        "documenttemplate": template,
    }


@pytest.mark.parametrize(
    "noun",
    [
        *("account", "mailbox", "integration", "conversionrule"),
        *("envelope", "transmission", "documenttemplate"),
    ],
)
def test_page_opens_for_who_may_only_look(noun):
    row = rows()[noun]

    answer = client_with(f"view_{noun}").get(f"{PLACE}/{noun}/{row.pk}/change/")

    assert answer.status_code == 200
    assert 'name="_save"' not in answer.text


def test_rule_is_shown_to_who_may_only_look():
    rule = rows()["conversionrule"]

    page = client_with("view_conversionrule").get(rule.get_absolute_url()).text

    assert "the body of it" in page
    assert rule.mailbox.name in page


def test_fields_of_a_template_are_shown_to_who_may_only_look():
    template = rows()["documenttemplate"]

    page = client_with("view_documenttemplate").get(
        f"{PLACE}/documenttemplate/{template.pk}/change/"
    )

    assert "order_number text required" in page.text


def test_login_is_shown_to_who_may_only_look_and_a_reset_is_not():
    row = rows()["integration"]

    page = client_with("view_integration").get(row.get_absolute_url()).text

    assert str(row.sftp.login) in page
    assert "reset_password" not in page
    assert "switch_off" not in page
