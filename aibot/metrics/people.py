"""People: how many there are, and how many of them come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td

from django.db import connections
from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from billing.models import Referral
from telegram_integration.models import User

WINDOWS = (1, 7, 30)
# One pass over each table: as an ORM's OR of three conditions it took ten times as long.
ACTIVE = """
    SELECT COUNT(CASE WHEN at >= %s THEN 1 END), COUNT(CASE WHEN at >= %s THEN 1 END),
           COUNT(CASE WHEN at >= %s THEN 1 END)
    FROM (
        SELECT person, MAX(at) AS at FROM (
            SELECT owner_id AS person, MAX(created_at) AS at FROM generation_job
            WHERE created_at >= %s GROUP BY owner_id
            UNION ALL
            SELECT id, wrote_at FROM telegram_integration_user WHERE wrote_at >= %s
            UNION ALL
            SELECT id, last_login FROM telegram_integration_user WHERE last_login >= %s
        ) seen GROUP BY person
    ) people
"""


def all_of_them() -> Iterator[Metric]:
    yield _people()
    yield _active()
    yield _referrals()


def _people() -> Metric:
    family = GaugeMetricFamily("studio_people", "People by how they came", labels=["kind"])
    kinds = {
        "telegram": Q(telegram_id__isnull=False), "guest": Q(guest=True), "staff": Q(is_staff=True),
        "blocked": Q(blocked_at__isnull=False),
    }  # fmt: skip
    found = User.objects.filter(is_active=True).aggregate(
        all=Count("pk"), **{kind: Count("pk", filter=which) for kind, which in kinds.items()}
    )
    for kind, number in found.items():
        family.add_metric([kind], number)
    return family


def _active() -> Metric:
    """Who asked for something, wrote to the bot or signed in, within so many days: each once."""
    family = GaugeMetricFamily("studio_people_active", "Who did something", labels=["days"])
    now = timezone.now()
    since = [now - td(days=days) for days in WINDOWS]
    with connections[User.objects.all().db].cursor() as cursor:
        cursor.execute(ACTIVE, [*since, *[since[-1]] * 3])
        numbers = cursor.fetchone()
    for days, number in zip(WINDOWS, numbers, strict=True):
        family.add_metric([str(days)], number)
    return family


def _referrals() -> Metric:
    family = GaugeMetricFamily("studio_referrals", "Invited friends", labels=["state"])
    found = Referral.objects.aggregate(
        bound=Count("pk"),
        earned=Count("pk", filter=Q(earned_at__isnull=False)),
        thanked=Count("pk", filter=Q(lot__isnull=False)),
        held=Count("pk", filter=~Q(suspicion="") & Q(lot=None)),
    )
    for state, number in found.items():
        family.add_metric([state], number)
    return family
