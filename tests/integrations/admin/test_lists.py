from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.choices import LogStatus
from integrations.models import ConversionLog, DocumentTemplate, DocumentTemplateVersion
from tests.factories import NOW
from tests.factories_integrations import make_mailbox, make_rule, make_sftp, make_transmission
from tests.integrations.admin.envelopes_made import make_envelope
from tests.integrations.admin.posted import PLACE, client_with

pytestmark = pytest.mark.django_db
CEILING = {
    "account": 8,
    "mailbox": 9,
    "integration": 9,
    "conversionrule": 11,
    "envelope": 11,
    "transmission": 9,
    "conversionlog": 10,
    "documenttemplate": 9,
    "envelopeevent": 10,
}


def make_rows():
    sftp = make_sftp()
    integration = sftp.integration
    box = integration.mailbox
    template = DocumentTemplate.objects.create(account=box.account, name="Order")
    version = DocumentTemplateVersion.objects.create(template=template, number=1)
    rule = make_rule(box, template_version=version)
    row = make_transmission(integration)
    envelope = make_envelope(box, [make_mailbox(box.account), make_mailbox(box.account)])
    ConversionLog.objects.create(
        transmission=row,
        mailbox=box,
        rule=rule,
        envelope=envelope,
        filename="a.txt",
        status=LogStatus.PROCESSED,
        input=row.blob,
        created_at=NOW,
    )


@pytest.mark.parametrize("noun", sorted(CEILING))
def test_list_asks_no_more_when_it_has_more_rows(admin_client, noun):
    for _ in range(6):
        make_rows()

    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(f"{PLACE}/{noun}/")

    assert response.status_code == 200
    assert response.context["cl"].result_count >= 6
    assert len(queries) <= CEILING[noun], "\n".join(q["sql"][:150] for q in queries)


@pytest.mark.parametrize("noun", sorted(CEILING))
def test_empty_list_says_what_to_do(admin_client, noun):
    page = admin_client.get(f"{PLACE}/{noun}/")

    assert page.context["cl"].model_admin.empty_hint[:30] in page.text


@pytest.mark.parametrize("noun", sorted(CEILING))
def test_list_is_not_for_who_may_not_look(noun):
    assert client_with().get(f"{PLACE}/{noun}/").status_code == 403


@pytest.mark.parametrize("noun", ["envelope", "transmission", "conversionlog", "envelopeevent"])
def test_list_can_be_searched_for_anything(admin_client, noun):
    assert admin_client.get(f"{PLACE}/{noun}/", {"q": "\0'%" + "0" * 300}).status_code == 200


def test_log_is_filtered_by_rule_mailbox_status_and_no_rule(admin_client):
    make_rows()
    log = ConversionLog.objects.get()
    ConversionLog.objects.create(
        mailbox=log.mailbox, filename="b.txt", status=LogStatus.FAILED, created_at=NOW
    )

    def found(**query):
        rows = admin_client.get(f"{PLACE}/conversionlog/", query).context["cl"].queryset
        return sorted(row.filename for row in rows)

    assert found(rule__id__exact=log.rule_id) == ["a.txt"]
    assert found(mailbox__id__exact=log.mailbox_id) == ["a.txt", "b.txt"]
    assert found(status__exact="failed") == ["b.txt"]
    assert found(ruled="no") == ["b.txt"]
    assert found(q="b.t") == ["b.txt"]
    assert found(q=str(log.envelope.key)) == ["a.txt"]


def test_rules_are_filtered_by_level_and_transmissions_by_way(admin_client):
    box = make_mailbox()
    make_rule(box, name="Own")
    make_rule(box, name="Shared", mailbox=None)
    partner = make_sftp().integration
    make_transmission(partner, filename="came.txt")
    make_transmission(partner, filename="went.txt", is_incoming=False, status="done")

    def found(noun, **query):
        rows = admin_client.get(f"{PLACE}/{noun}/", query).context["cl"].queryset
        return sorted(map(str, rows))

    assert found("conversionrule", level="mailbox") == ["Own"]
    assert found("conversionrule", level="account") == ["Shared"]
    assert found("transmission", way="from") == ["came.txt"]
    assert found("transmission", way="to") == ["went.txt"]
    assert found("transmission", way="other") == ["came.txt", "went.txt"]
