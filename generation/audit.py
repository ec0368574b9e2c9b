"""Whether jobs and money agree: a picture was paid for once, none was paid for without one."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from billing.audit.moves import in_parts, moves
from generation.models import FINAL, Job, Message, State


def findings() -> Iterator[str]:
    """One sentence for each ended job whose charge and refund are not what its end says."""
    makeshift = Message.objects.filter(job=OuterRef("pk"), free=True)
    ended = Job.objects.filter(state__in=FINAL).annotate(free=Exists(makeshift))
    for some in in_parts(ended.only("code", "state", "price_amount").order_by("pk")):
        moved = moves(key for job in some for key in (job.charge_key, job.refund_key))
        for job in some:
            paid = -moved[job.charge_key] - moved[job.refund_key]
            due = job.price_amount if job.state == State.DONE and not job.free else 0
            if paid != due:
                yield f"job {job.code}: is {job.state}, {due} were due and {paid} are paid"
