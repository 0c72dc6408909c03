from __future__ import annotations

import pytest
from django.template.loader import render_to_string


@pytest.mark.django_db
def test_unknown_page_tells_the_way_back(admin_client):
    response = admin_client.get("/admin/no-such-page/")

    assert response.status_code == 404
    assert 'href="/admin/"' in response.content.decode()


@pytest.mark.django_db
def test_forbidden_page_says_whom_to_ask(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("op", is_staff=True))

    response = client.get("/admin/omnichannel/message/")

    assert response.status_code == 403
    assert "Ask an administrator" in response.content.decode()


def test_failure_page_needs_nothing_to_be_shown():
    assert "Something went wrong" in render_to_string("500.html")
