"""What needs the owner, for the first page of the admin."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise

from generation import alerts
from generation.models import Alert

register = template.Library()

MOST_SHOWN = 20


@register.simple_tag
def open_alerts() -> list[tuple[Alert, Promise | str]]:
    """Each with what to do about it."""
    still_open = Alert.objects.filter(cleared_at=None).order_by("-seen_at")[:MOST_SHOWN]
    return [(alert, alerts.fix(alert)) for alert in still_open]
