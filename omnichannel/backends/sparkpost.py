from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.anymail import AnymailBackend


class SparkPostForm(forms.Form):
    subaccount = forms.CharField(required=False, max_length=20, help_text="Its number, if any.")


class SparkPost(AnymailBackend):
    slug = "anymail-sparkpost"
    label = "SparkPost"
    esp = "anymail.backends.sparkpost.EmailBackend"
    api_url = "https://api.sparkpost.com/api/v1/"  # https://api.eu.sparkpost.com/api/v1/ in Europe
    config_form = SparkPostForm
    documentation = "https://developers.sparkpost.com/api/#header-errors"

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "subaccount": self.option("subaccount")}
