from __future__ import annotations

import pytest

from config import first_start
from otp import demo
from otp.models import OtpConfiguration
from tests.factories import NOW
from tests.otp.factories import make_configuration

pytestmark = pytest.mark.django_db


def test_first_start_shows_the_usual_configuration(monkeypatch, settings):
    settings.DEMO_DATA = True
    monkeypatch.setattr(first_start.demo, "load", lambda at: None)

    first_start.load_demo(NOW)

    row = OtpConfiguration.objects.get()
    assert (row.purpose, row.is_default, row.length) == ("default", True, 6)


def test_an_operators_configuration_is_left_alone():
    make_configuration(purpose="login")

    demo.load()

    assert OtpConfiguration.objects.get().purpose == "login"
