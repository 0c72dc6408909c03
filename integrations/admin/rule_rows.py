"""Rules as lists show them: on the page of an integration, and in the list of their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q
from django.http import HttpRequest
from django.urls import reverse

from integrations.choices import Direction
from integrations.models import ConversionRule, Mailbox

MOST = 300  # rules of a mailbox on one page
ICONS = {"Mailbox": "inbox", "Account": "domain"}
COLOURS = {Direction.OUT: "info", Direction.IN: "success"}


@dataclass(frozen=True)
class RuleRow:
    pk: int
    name: str
    url: str
    group: str  # rules are ordered among those of their group
    way: str
    colour: str
    level: str
    icon: str
    template: str
    template_key: str
    pattern: str
    done: int
    failed: int
    active: bool
    switch: str
    log: str
    may_change: bool


def group_of(rule: ConversionRule) -> str:
    return f"{rule.direction}-{rule.account_id}-{rule.mailbox_id or 'account'}"


def pattern_of(rule: ConversionRule) -> str:
    if rule.direction == Direction.IN:
        return rule.naming_pattern
    if not rule.matching_pattern:
        return ""
    return f"{rule.get_matching_source_display().lower()}: {rule.matching_pattern}"


def row_of(rule: ConversionRule, may_change: bool) -> RuleRow:
    version = rule.template_version
    log = reverse("admin:integrations_conversionlog_changelist")
    return RuleRow(
        pk=rule.pk,
        name=rule.name,
        url=rule.get_absolute_url(),
        group=group_of(rule),
        way=rule.get_direction_display(),
        colour=COLOURS[Direction(rule.direction)],
        level=rule.level,
        icon=ICONS[rule.level],
        template=str(version) if version else "",
        template_key=str(version.template.key) if version else "",
        pattern=pattern_of(rule),
        done=rule.ok_count,
        failed=rule.failed_count,
        active=rule.active,
        switch=reverse("admin:integrations_rule_switch", args=[rule.pk]),
        log=f"{log}?rule__id__exact={rule.pk}",
        may_change=may_change,
    )


def of_mailbox(mailbox: Mailbox, request: HttpRequest) -> list[RuleRow]:
    """In the order in which they are tried, OUT first. Nothing for who may not look at rules."""
    if not request.user.has_perm("integrations.view_conversionrule"):
        return []
    may_change = request.user.has_perm("integrations.change_conversionrule")
    mine = Q(mailbox=mailbox) | Q(mailbox=None, account=mailbox.account_id)
    rules = ConversionRule.objects.filter(mine).select_related("template_version__template")
    ordered = rules.defer("body").order_by(
        "-direction", F("mailbox").asc(nulls_last=True), "position", "pk"
    )
    return [row_of(rule, may_change) for rule in ordered[:MOST]]
