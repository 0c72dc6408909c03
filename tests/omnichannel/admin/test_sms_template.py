"""What only an SMS template has, on its pages and on the message's."""

from __future__ import annotations

import pytest

from omnichannel.choices import ChannelType
from omnichannel.models import SmsTemplate
from tests.factories import make_message, make_provider
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db
SMS = "/admin/omnichannel/smstemplate/"
REGISTERED = "Dear {#var#}, see https://s.example.com/s/{#var#}"
TEXT = "Dear {{ name }}, see https://shop.example.com/orders/17"


@pytest.fixture(autouse=True)
def public(settings):
    settings.PUBLIC_URL = "https://s.example.com"


def sms_data(**values):
    return {
        "name": "Order",
        "text": TEXT,
        "sample_variables": '{"name": "Ana"}',
        "description": "",
        "dlt_template_id": "1107161234567890123",
        "dlt_header": "EXMPLE",
        "dlt_text": REGISTERED,
        "url_shorten": "on",
        "versions-TOTAL_FORMS": 0,
        "versions-INITIAL_FORMS": 0,
        **values,
    }


def errors_of(answer):
    return answer.context["adminform"].form.errors


def test_all_of_it_is_kept_in_the_version_and_shown_again(admin_client):
    answer = admin_client.post(f"{SMS}add/", sms_data())

    assert answer.status_code == 302
    template = SmsTemplate.objects.get()
    version = template.published_version
    assert (version.url_shorten, version.dlt_text) == (True, REGISTERED)
    assert (version.dlt_template_id, version.dlt_header) == ("1107161234567890123", "EXMPLE")
    form = admin_client.get(f"{SMS}{template.pk}/change/").context["adminform"].form
    assert (form["url_shorten"].value(), form["dlt_text"].value()) == (True, REGISTERED)


def test_switching_short_links_off_is_a_new_version(admin_client):
    admin_client.post(f"{SMS}add/", sms_data(dlt_text=""))
    template = SmsTemplate.objects.get()
    data = sms_data(dlt_text="")
    del data["url_shorten"]

    admin_client.post(f"{SMS}{template.pk}/change/", data)
    admin_client.post(f"{SMS}{template.pk}/change/", data)

    switches = template.versions.order_by("number").values_list("url_shorten", flat=True)
    assert list(switches) == [True, False]


@pytest.mark.parametrize(
    ("values", "field", "advice"),
    [
        ({"text": "Hi {{ name }}"}, "text", "at character 1 (“Hi Ana”)"),
        ({"text": "Dear {{ name }}; see"}, "text", "at character 6 (“Ana; see”)"),
        ({"dlt_text": "Dear {#who#}"}, "dlt_text", "“{#who#}” is not known"),
        ({"dlt_template_id": "eleven"}, "dlt_template_id", "digits"),
        ({"dlt_header": "TOO LONG"}, "dlt_header", "letters and digits"),
    ],
)
def test_what_could_not_be_sent_is_told_beside_its_field(admin_client, values, field, advice):
    answer = admin_client.post(f"{SMS}add/", sms_data(**values))

    assert advice in errors_of(answer)[field][0]
    assert not SmsTemplate.objects.exists()


def test_the_preview_shows_short_links_and_where_it_deviates(admin_client):
    short = admin_client.post(f"{SMS}inspect/", sms_data()).json()
    long = admin_client.post(f"{SMS}inspect/", sms_data(url_shorten="")).json()

    assert short["text"] == "Dear Ana, see https://s.example.com/s/xxxxxxxxxxxx"
    assert short["deviation"] == ""
    assert long["text"] == "Dear Ana, see https://shop.example.com/orders/17"
    assert long["deviation"].startswith("at character 24 (“hop.")


def make_sms(text, **values):
    version = make_version(
        make_template(channel_type=ChannelType.SMS), subject="", html="", text=text, **values
    )
    return make_message(
        provider=make_provider(channel_type=ChannelType.SMS, from_address="STUDIO"),
        to_address="+12025550143",
        template_version=version,
        variables={"name": "Ana"},
    )


def test_a_message_shows_what_it_takes_on_the_wire(admin_client):
    message = make_sms("{{ name }} " + "a" * 155 + " €")

    page = admin_client.get(f"/admin/omnichannel/message/{message.pk}/shown/")

    assert ("Length", "GSM-7, 2 parts, 162 units, 144 left") in page.context["headers"]


def test_a_message_names_what_is_not_in_gsm_7(admin_client):
    message = make_sms("Bună {{ name }}\u200d 😀")

    headers = dict(
        admin_client.get(f"/admin/omnichannel/message/{message.pk}/shown/").context["headers"]
    )

    assert headers["Length"].startswith("UCS-2, 1 part, ")
    assert headers["Not in GSM-7"] == "ă U+200D 😀"


def test_a_message_is_shown_with_its_short_links_and_its_registered_sender(admin_client):
    message = make_sms("https://a.example/ {{ name }}", url_shorten=True, dlt_header="EXMPLE")

    page = admin_client.get(f"/admin/omnichannel/message/{message.pk}/shown/")

    assert page.context["rendered"].text.startswith("https://s.example.com/s/")
    assert ("From", "EXMPLE") in page.context["headers"]


def test_a_mail_has_no_length(admin_client):
    message = make_message()

    page = admin_client.get(f"/admin/omnichannel/message/{message.pk}/shown/")

    assert "Length" not in dict(page.context["headers"])
