"""What a campaign would do, does, and came to."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import preflight, progress
from campaigns import report as reports
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from campaigns.progress import Figures
from omnichannel.api.problems import MEDIA_TYPE
from omnichannel.api.schema import PROBLEM
from omnichannel.choices import MessageStatus
from omnichannel.exceptions import TooSlow

Number = serializers.IntegerField
JOB = OpenApiParameter(
    "job", {"type": "integer", "minimum": 1}, description="Of one run only; else all runs."
)


class Texts(serializers.ListField):
    child = serializers.CharField()


class Numbers(serializers.DictField):
    child = serializers.IntegerField()


class PreflightSerializer(serializers.Serializer[Any]):
    """`problems` forbid a start, `warnings` do not."""

    problems = Texts()
    warnings = Texts()
    caps = Texts(help_text="Frequency caps which may make messages wait.")
    provider = serializers.IntegerField(source="provider.pk", allow_null=True, default=None)
    starts = serializers.DateTimeField(allow_null=True, help_text="When sending would begin.")
    recipients = Number(help_text="Records that can be written to.")
    records = Number()
    without_address = Number()
    malformed = Number()
    suppressed = Number()
    unconsented = Number()
    sms_parts = Number(source="all_parts", help_text="Of an SMS, judged by some of the records.")


class StatsSerializer(serializers.Serializer[Any]):
    """Of the latest run, at most some seconds old."""

    status = serializers.ChoiceField(choices=CampaignStatus.choices)
    job = Number(allow_null=True, help_text="Null: it has not run yet.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    recipients = Number()
    by_status = Numbers(help_text="Messages by their status, each of the statuses there are.")
    unwritten = Number(help_text="Recipients whose message is not written yet.")
    left_out = Number(help_text="Records without an address, or with one met before.")
    percent = serializers.FloatField(help_text="100: nothing is left to do.")
    rate = serializers.FloatField(help_text="Messages per second, of late.")


class FailureSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    reason = serializers.CharField()
    number = Number()


class LinkSerializer(serializers.Serializer[Any]):
    number = serializers.CharField(help_text="Of the link in the template, where that is known.")
    href = serializers.CharField()
    clicks = Number()
    messages = Number(help_text="In which it was clicked.")


class DomainSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Empty: all others.")
    recipients = Number()
    sent = Number()
    failed = Number()
    reached = Numbers()


class SeriesSerializer(serializers.Serializer[Any]):
    unit = serializers.ChoiceField(choices=("hour", "day", "month"))
    labels = Texts()
    values = serializers.DictField(child=serializers.ListField(child=Number()))


class ReportSerializer(serializers.Serializer[Any]):
    """Messages, each counted once. `..._by_machine`: what a machine opened or clicked."""

    recipients = Number()
    sent = Number(help_text="Taken by the provider, those that failed later included.")
    by_status = Numbers()
    unwritten = Number()
    reached = Numbers(help_text="Opened, clicked, bounced, complained, unsubscribed.")
    failures = FailureSerializer(many=True)
    links = LinkSerializer(many=True)
    domains = DomainSerializer(many=True, source="all_domains")
    series = SeriesSerializer()
    is_whole = serializers.BooleanField(help_text="False: old messages or events are deleted.")
    purged = Number(help_text="Messages that are deleted already.")
    made_at = serializers.DateTimeField()


class Unavailable(APIException):
    status_code = 503
    default_detail = "Counting took too long and was stopped. Ask for one run, or try again later."
    default_code = "too_slow"


class FiguresMixin:
    get_object: Any

    @extend_schema(responses=PreflightSerializer)
    @action(detail=True, url_path="pre-flight")
    def pre_flight(self, request: Request, pk: int) -> Response:
        """What a start would do now (or at its start date), and what stands in its way."""
        campaign: Campaign = self.get_object()
        at = max(filter(None, (campaign.starts_at, timezone.now())))
        return Response(PreflightSerializer(preflight.check(campaign, at)).data)

    @extend_schema(responses=StatsSerializer)
    @action(detail=True)
    def stats(self, request: Request, pk: int) -> Response:
        """How far its latest run has come."""
        campaign: Campaign = self.get_object()
        return Response(StatsSerializer(stats_of(campaign, campaign.latest_run())).data)

    @extend_schema(parameters=[JOB], responses={200: ReportSerializer, (503, MEDIA_TYPE): PROBLEM})
    @action(detail=True)
    def report(self, request: Request, pk: int) -> Response:
        """What it came to, its runs together or one of them."""
        runs = _chosen(request, reports.runs_of(self.get_object()))
        try:
            found = reports.recent(runs, timezone.now())
        except TooSlow as error:
            raise Unavailable from error
        return Response(ReportSerializer(found).data)


def stats_of(campaign: Campaign, run: CampaignRun | None) -> dict[str, Any]:
    found = progress.recent_figures(run) if run else Figures()
    return {
        "status": campaign.status,
        "job": run.job_id if run else None,
        "started_at": run.job.started_at if run else None,
        "finished_at": run.job.finished_at if run else None,
        "recipients": found.total,
        "by_status": {str(status): found.of(status) for status in MessageStatus},
        "unwritten": found.unwritten,
        "left_out": found.left_out,
        "percent": found.percent,
        "rate": progress.rate_of(run.job) if run else 0.0,
    }


def _chosen(request: Request, runs: list[CampaignRun]) -> list[CampaignRun]:
    text = request.query_params.get("job")
    if text is None:
        return runs
    if not (text.isascii() and text.isdigit() and int(text[:19])):
        raise ValidationError({"job": ["Give the number of a job of this campaign."]})
    found = [run for run in runs if run.job_id == int(text[:19])]
    if not found:
        raise NotFound("This campaign has no run with this job.")
    return found
