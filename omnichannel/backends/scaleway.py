from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.http import HttpForm


class ScalewayForm(HttpForm):
    project_id = forms.UUIDField(label="Project ID", help_text="Of the project with the domain.")

    def clean_project_id(self) -> str:
        return str(self.cleaned_data["project_id"])


class Scaleway(AnymailBackend):
    slug = "anymail-scaleway"
    label = "Scaleway"
    esp = "anymail.backends.scaleway.EmailBackend"
    service_url = "https://api.scaleway.com/transactional-email/v1alpha1/regions/fr-par/"
    tracks = False  # the domain's settings decide
    uses = {"service_url": "Service URL", "app_key": "Secret key"}
    config_form = ScalewayForm
    documentation = "https://www.scaleway.com/en/developers/api/transactional-email/"

    def settings(self) -> Mapping[str, Any]:
        return {
            "secret_key": self.config.app_key.strip(),
            "project_id": self.option("project_id"),
            "region": "fr-par",  # the Service URL names it
        }
