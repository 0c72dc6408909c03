"""A campaign's moves. What its state does not allow is a conflict (409)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import resending, runner
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from omnichannel.api.fields import StrictBoolean
from omnichannel.api.idempotency import idempotent
from omnichannel.models import ChannelProvider

ONLY_SANDBOX = (
    "A test key runs campaigns on the sandbox only: choose a provider of the type Sandbox for "
    "this campaign first."
)


class StepSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=CampaignStatus.choices)
    job = serializers.IntegerField(allow_null=True, help_text="Of its latest run.")
    messages = serializers.IntegerField(
        allow_null=True, help_text="How many are sent again, or were cancelled at once."
    )


class AgainSerializer(serializers.Serializer[Any]):
    uncertain = StrictBoolean(
        default=False, help_text="Those who may have it already, too: they may get it twice."
    )


class StepsMixin:
    get_object: Any

    @extend_schema(request=None, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def run(self, request: Request, pk: int) -> Response:
        """Send now, to all who are in the audience."""
        campaign: Campaign = self.get_object()
        _check_sandbox(request, campaign.provider)
        runner.start(campaign, by=None, at=timezone.now())
        return _told(campaign)

    @extend_schema(request=None, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def schedule(self, request: Request, pk: int) -> Response:
        """Have it start by itself at its start date."""
        campaign: Campaign = self.get_object()
        _check_sandbox(request, campaign.provider)
        runner.schedule(campaign, at=timezone.now())
        return _told(campaign)

    @extend_schema(request=None, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: int) -> Response:
        """Hold what is not sent yet."""
        campaign: Campaign = self.get_object()
        _check_run(request, campaign)
        runner.pause(campaign, at=timezone.now())
        return _told(campaign)

    @extend_schema(request=None, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Send the rest."""
        campaign: Campaign = self.get_object()
        _check_run(request, campaign)
        runner.resume(campaign, at=timezone.now())
        return _told(campaign)

    @extend_schema(request=None, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """End it for good, or take back its schedule. What is sent stays sent."""
        campaign: Campaign = self.get_object()
        _check_run(request, campaign)
        return _told(campaign, runner.cancel(campaign, at=timezone.now()))

    @extend_schema(request=AgainSerializer, responses=StepSerializer)
    @action(detail=True, methods=["post"], url_path="send-again")
    @idempotent(in_transaction=False)
    def send_again(self, request: Request, pk: int) -> Response:
        """Send again to those whom the last run did not reach."""
        campaign: Campaign = self.get_object()
        asked = AgainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        _check_run(request, campaign)
        uncertain = asked.validated_data["uncertain"]
        count = resending.ask(campaign, uncertain=uncertain, at=timezone.now())
        campaign.refresh_from_db(fields=["status"])
        return _told(campaign, count)


def _told(campaign: Campaign, messages: int | None = None) -> Response:
    run = campaign.latest_run()
    job = run.job_id if run else None
    return Response(
        {"id": campaign.pk, "status": campaign.status, "job": job, "messages": messages}
    )


def _check_run(request: Request, campaign: Campaign) -> None:
    run = campaign.latest_run()
    _check_sandbox(request, run.job.provider if run else campaign.provider)


def _check_sandbox(request: Request, provider: ChannelProvider | None) -> None:
    """The default provider may be another at any moment: a test key must have it named."""
    is_sandbox = provider is not None and provider.backend == "sandbox"
    if getattr(request.auth, "is_test", True) and not is_sandbox:
        raise PermissionDenied(ONLY_SANDBOX)
