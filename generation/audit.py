"""Whether jobs and money agree: a picture was paid for once, none was paid for without one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.db import connection

from generation.models import FINAL, State

# One pass over both tables: looked up in parts, a million jobs took minutes of a restore. A code is
# compared without its dashes, because SQLite keeps none. Keys are job:<code>:charge and :refund.
UNLIKE = """
    SELECT job.code, job.state, job.due, COALESCE(moved.paid, 0)
    FROM (
        SELECT code, state, CASE WHEN state = %s AND NOT EXISTS (
            SELECT 1 FROM generation_message makeshift
            WHERE makeshift.job_id = generation_job.id AND makeshift.free
        ) THEN price_amount ELSE 0 END AS due
        FROM generation_job WHERE state IN (%s, %s, %s)
    ) job LEFT JOIN (
        SELECT REPLACE(SUBSTR(key, 5, 36), '-', '') AS code, -SUM(delta) AS paid
        FROM billing_entry WHERE key LIKE 'job:%%:charge' OR key LIKE 'job:%%:refund'
        GROUP BY REPLACE(SUBSTR(key, 5, 36), '-', '')
    ) moved ON moved.code = REPLACE(CAST(job.code AS text), '-', '')
    WHERE job.due <> COALESCE(moved.paid, 0)
"""


def findings() -> Iterator[str]:
    """One sentence for each ended job whose charge and refund are not what its end says."""
    with connection.cursor() as cursor:
        cursor.execute(UNLIKE, [State.DONE, *FINAL])
        for code, state, due, paid in cursor.fetchall():
            job = uuid.UUID(str(code))
            yield f"job {job}: is {state}, {due} were due and {paid} are paid"
