from __future__ import annotations

import pytest

from omnichannel.exceptions import TemplateError
from omnichannel.models import (
    EmailTemplate,
    GlobalVariable,
    MessageTemplate,
    SmsTemplate,
    TemplateVersion,
)
from omnichannel.publishing import publish
from omnichannel.variables import READ_ONLY, ensure_read_only_set, global_values
from tests.factories_templates import make_template

pytestmark = pytest.mark.django_db


def test_new_text_makes_a_new_version_and_keeps_the_old_one():
    template = make_template()

    first = publish(template, subject="One", html="<p>1</p>")
    second = publish(template, subject="Two", html="<p>2</p>")

    first.refresh_from_db()
    template.refresh_from_db()
    assert (first.number, first.subject, second.number) == (1, "One", 2)
    assert template.published_version == second


def test_same_text_makes_no_version():
    template = make_template()
    first = publish(template, subject="One", text="a\nb")

    again = publish(template, subject="One", text="a\r\nb")

    assert again == first
    assert template.versions.count() == 1


def test_refused_text_changes_nothing():
    template = make_template()
    publish(template, subject="One", text="ok")

    with pytest.raises(TemplateError):
        publish(template, subject="One", text="{{ unknown }}")

    template.refresh_from_db()
    assert template.published_version.text == "ok"
    assert template.versions.count() == 1


def test_sample_and_global_variables_are_known():
    GlobalVariable.objects.create(key="season", value="spring")
    template = make_template(sample_variables={"name": "Ana"})

    version = publish(template, subject="{{ name }}", text="{{ season }} {{ global.company_name }}")

    assert version.variables == ["global.company_name", "name", "season"]


def test_sms_template_has_no_html_made_of_its_text():
    template = make_template(channel_type="sms")

    version = publish(template, text="Hi <you>")

    assert (version.compiled_html, version.compiled_text) == ("", "Hi <you>")


def test_proxies_see_and_create_their_own_channel():
    mail = EmailTemplate.objects.create(name="a")
    sms = SmsTemplate.objects.create(name="a")

    assert [row.pk for row in EmailTemplate.objects.all()] == [mail.pk]
    assert [row.pk for row in SmsTemplate.objects.all()] == [sms.pk]
    assert MessageTemplate.objects.get(pk=sms.pk).channel_type == "sms"


def test_read_only_set_is_completed_and_its_values_are_left_alone():
    ensure_read_only_set()
    GlobalVariable.objects.filter(key="company_name").update(value="Example Ltd")
    GlobalVariable.objects.filter(key="x").delete()

    ensure_read_only_set()

    assert GlobalVariable.objects.filter(is_read_only=True).count() == len(READ_ONLY)
    assert global_values()["company_name"] == "Example Ltd"
    assert global_values()["x"] == ""


def test_unused_template_is_deleted_with_its_versions():
    template = EmailTemplate.objects.create(name="a")
    publish(template, subject="One", text="one")

    template.delete()

    assert not MessageTemplate.objects.exists()
    assert not TemplateVersion.objects.exists()
