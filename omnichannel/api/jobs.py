from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel.api.filters import MomentFilter, StudioFilterSet
from omnichannel.api.message_rows import JobLogSerializer, JobSerializer
from omnichannel.api.paging import Log
from omnichannel.api.resource import ReadOnlyResource
from omnichannel.choices import Scope
from omnichannel.models import Job


class JobFilters(StudioFilterSet):
    since = MomentFilter("created_at", "gte")
    until = MomentFilter("created_at", "lt")

    class Meta:
        model = Job
        fields = ("status", "source", "reference", "category", "channel_type", "provider")


class Jobs(ReadOnlyResource):
    """Submissions of messages: one call with several recipients, or one run of a campaign."""

    queryset = Job.objects.select_related("template_version").order_by("-id")
    serializer_class = JobSerializer
    pagination_class = Log
    write_scope = Scope.SEND
    filterset_class = JobFilters

    @extend_schema(responses=JobLogSerializer)
    @action(detail=True, methods=["get"], filterset_class=None)
    def logs(self, request: Request, pk: int) -> Response:
        """How many of its messages there are in each status, those deleted since included."""
        job: Job = self.get_object()
        counts = job.counts()
        return Response(
            {"job": job.pk, "status": job.status, "total": sum(counts.values()), "counts": counts}
        )
