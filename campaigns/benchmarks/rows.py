"""Audiences for benchmarks."""

from __future__ import annotations

from campaigns.models import Audience, AudienceMember

BATCH = 10_000


def make_audience(count: int) -> Audience:
    columns = ["first_name", "last_name", "city", "plan", "points"]
    audience = Audience.objects.create(name="Bench", columns=columns, records_count=count)
    for start in range(0, count, BATCH):
        AudienceMember.objects.bulk_create(
            [_member(audience, number) for number in range(start, min(start + BATCH, count))]
        )
    return audience


def _member(audience: Audience, number: int) -> AudienceMember:
    email = f"person{number}@example.com"
    variables = {
        "first_name": f"First {number}",
        "last_name": f"Last {number}",
        "city": "Springfield",
        "plan": "gold" if number % 3 else "silver",
        "points": number,
    }
    return AudienceMember(audience=audience, key=email, email=email, variables=variables)
