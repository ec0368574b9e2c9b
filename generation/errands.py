"""What goes on by itself after a top-up: a request that could not be paid, kept and run once."""

from __future__ import annotations

import logging
from datetime import timedelta as td
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from billing.models import Payment
from billing.problem import Problem
from generation.asking import ASKING
from generation.models import Errand

logger = logging.getLogger(__name__)

KEPT = td(days=7)
AT_ONCE = 100
WAITS_FOR_MONEY = "not_enough"


def keep(user_id: int, request: dict[str, Any]) -> Errand:
    """Remember a request, already checked, until it can be paid."""
    return Errand.objects.create(owner_id=user_id, request=request)


def run(errand: Errand) -> Errand:
    """Ask for it now, in the person's name. Run twice, it is one job.

    Still too little money leaves it open; any other refusal ends it and says why.
    """
    if errand.ended_at:
        return errand
    form = ASKING[errand.request["tool"]](data=errand.request)
    try:
        form.is_valid(raise_exception=True)
        errand.job = form.ask(errand.owner_id, key=f"errand:{errand.code}")
    except Problem as problem:
        if problem.code == WAITS_FOR_MONEY:
            return errand
        errand.error_code = problem.code[:32]
    errand.ended_at = timezone.now()
    errand.save(update_fields=["job", "error_code", "ended_at"])
    return errand


def run_paid() -> None:
    """Every errand whose payment was made. Whoever pays finds the rest done."""
    paid = Payment.objects.filter(errand=OuterRef("code"), status=Payment.Status.SUCCEEDED)
    waiting = Errand.objects.filter(ended_at=None, created_at__gt=timezone.now() - KEPT)
    for errand in waiting.filter(Exists(paid)).order_by("pk")[:AT_ONCE]:
        try:
            run(errand)
        except Exception:
            logger.exception("errand %s could not be run, the next sweep will", errand.code)
