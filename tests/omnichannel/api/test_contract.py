"""The API does what its schema says, asked by Schemathesis in every way that the schema allows
and in many that it does not. Routes that come later are in the schema, and so are asked too.
"""

from __future__ import annotations

import os

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import Resolver404, resolve
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, settings

from config.wsgi import application
from tests.factories_api import make_api_key
from tests.test_access import rows

__all__ = ["rows"]

pytestmark = pytest.mark.django_db

# The whole also tries each bound of each value (seventy calls for a route), and more of chance.
IS_WHOLE = os.environ.get("CONTRACT") == "whole"
EXAMPLES = 10 if IS_WHOLE else 5
# All checks are on. No schema can say that a name is taken or that a row is not there: 400, 422.
# The provider of `rows` is stopped, so what sends at once may say 503. It must be in the schema of
# that route: a check of its own refuses every status that is not.
ACCEPTED = ["2xx", "3xx", "400", "401", "403", "404", "409", "422", "429", "503"]
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ACCEPTED},
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
    },
    "phases": {"coverage": {"enabled": IS_WHOLE}},
}
api = schemathesis.openapi.from_dict(
    SchemaGenerator().get_schema(request=None, public=True),
    config=schemathesis.Config.from_dict(CONFIG),
)
api.app = application


@pytest.fixture
def one_connection():
    """The application would close it after each request, with all that the test has made."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(one_connection):
    return {"Authorization": f"Bearer {make_api_key()[1]}"}


def aim(case) -> None:
    """Half of the numbers of rows are made those of a row that is there."""
    number = (case.path_parameters or {}).get("id")
    if type(number) is int and number % 2 == 0 and (row := first_row(case.formatted_path)):
        case.path_parameters["id"] = row.pk


def first_row(address: str):
    try:
        view = resolve(address).func.cls
    except Resolver404:
        return None
    rows = getattr(view, "queryset", None)
    return rows.all().order_by("pk").first() if rows is not None else None


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_schema_says(case, headers, rows):
    aim(case)
    case.call_and_validate(headers=headers)
