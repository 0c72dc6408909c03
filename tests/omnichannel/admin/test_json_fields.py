"""JSON that no parser should meet is answered at its field, on every form of the Studio."""

from __future__ import annotations

import json

import pytest
from django.contrib import admin
from django.db import models
from django.test import RequestFactory

from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.json_field import MOST

NESTED = "[" * 50_000 + "]" * 50_000


def json_fields():
    for model, studio in admin.site._registry.items():
        if isinstance(studio, StudioAdmin):
            for field in model._meta.get_fields():
                if isinstance(field, models.JSONField) and field.editable:
                    yield pytest.param(studio, field, id=str(field))


@pytest.mark.parametrize(("studio", "field"), list(json_fields()))
@pytest.mark.parametrize("text", [NESTED, json.dumps("x" * MOST)], ids=["nested", "long"])
def test_json_beyond_reason_is_refused_at_its_field(studio, field, text):
    form_field = studio.formfield_for_dbfield(field, request=RequestFactory().get("/"))

    with pytest.raises(Exception, match=r"nested too deeply|longer than|valid JSON") as refused:
        form_field.clean(text)

    assert type(refused.value).__name__ == "ValidationError"
    assert form_field.bound_data(text, None) == text
    assert form_field.has_changed({}, text)
