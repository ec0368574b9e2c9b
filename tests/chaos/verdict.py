"""Was anything lost? Asked of the rows and the files, never of the code that wrote them."""

from __future__ import annotations

from collections import Counter

from PIL import Image

from tests.chaos.disturb import Disturbances
from tests.chaos.people import Person
from tests.chaos.stand import Stand

END_SECONDS = 60
RESCUE_SECONDS = 15
ATTEMPTS = 3

ENTRIES = """
    SELECT j.code::text, j.state, j.price_amount,
        count(DISTINCT e.key) FILTER (WHERE e.key LIKE '%%:charge'),
        coalesce(-sum(e.delta) FILTER (WHERE e.key LIKE '%%:charge'), 0),
        count(DISTINCT e.key) FILTER (WHERE e.key LIKE '%%:refund'),
        coalesce(sum(e.delta) FILTER (WHERE e.key LIKE '%%:refund'), 0)
    FROM generation_job j
    LEFT JOIN billing_entry e
        ON e.key IN ('job:' || j.code || ':charge', 'job:' || j.code || ':refund')
    GROUP BY j.id"""


def findings(stand: Stand, people: list[Person], storm: Disturbances) -> list[str]:
    """One sentence for each thing that must not be. Empty: nothing was lost."""
    return [
        *_promises(stand, people), *money(stand), *_ends(stand, storm), *pictures(stand),
        *_asked_too_often(stand), *_late_rescues(storm), *_answers(people), *audit(stand),
    ]  # fmt: skip


def _promises(stand: Stand, people: list[Person]) -> list[str]:
    rows = stand.rows("SELECT idempotency_key, code::text FROM generation_job")
    codes = {key.removeprefix("client:"): code for key, code in rows}
    wrong = [f"job {code} was promised and is not there" for person in people
             for key, code in person.promised if codes.get(key) != code]  # fmt: skip
    asked = {key for person in people for key in person.asked}
    wrong += [f"key {key} was asked for and has no job" for key in asked - set(codes)]
    wrong += [f"job {codes[key]} was asked for by nobody" for key in set(codes) - asked]
    return wrong


def money(stand: Stand) -> list[str]:
    wrong = []
    for code, state, price, charges, charged, refunds, refunded in stand.rows(ENTRIES):
        expected = (1, price, 0, 0) if state == "done" else (1, price, 1, price)
        if (charges, charged, refunds, refunded) != expected:
            wrong.append(f"job {code} is {state}: {charges} charges, {refunds} refunds")
    return wrong


def _ends(stand: Stand, storm: Disturbances) -> list[str]:
    """Each within a minute of the last thing that happened to it, its own beginning included."""
    rows = stand.rows(
        "SELECT code::text, state, extract(epoch FROM created_at)::float, "
        "extract(epoch FROM finished_at)::float FROM generation_job"
    )
    wrong = []
    for code, state, begun, ended in rows:
        if ended is None:
            wrong.append(f"job {code} never ended: {state}")
            continue
        last = max([begun, *(at for at, _act in storm.log if at <= ended)])
        if ended - last > END_SECONDS:
            wrong.append(f"job {code} ended {ended - last:.0f} s after its last disturbance")
    return wrong


def pictures(stand: Stand) -> list[str]:
    rows = stand.rows(
        "SELECT j.code::text, j.count, array_agg(p.master) FILTER (WHERE p.id IS NOT NULL) "
        "FROM generation_job j LEFT JOIN generation_photo p ON p.job_id = j.id "
        "WHERE j.state = 'done' GROUP BY j.id"
    )
    wrong = []
    for code, count, names in rows:
        if len(names or []) != count:
            wrong.append(f"job {code} has {len(names or [])} pictures instead of {count}")
        wrong += [f"{name} of job {code} does not open" for name in names or []
                  if not _opens(stand, name)]  # fmt: skip
    orphans = stand.rows("SELECT p.master FROM generation_photo p JOIN generation_job j "
                         "ON p.job_id = j.id WHERE j.state <> 'done'")  # fmt: skip
    return wrong + [f"{name} belongs to a job that is not done" for (name,) in orphans]


def _opens(stand: Stand, name: str) -> bool:
    try:
        with Image.open(stand.folder / "media" / name) as picture:
            picture.load()
    except OSError:
        return False
    return True


def asked(stand: Stand) -> Counter[str]:
    """How often the provider was asked for each job."""
    return Counter(line.split()[0] for line in stand.asked_log.read_text().splitlines())


def _asked_too_often(stand: Stand) -> list[str]:
    attempts = dict(stand.rows("SELECT code::text, attempts FROM generation_job"))
    times = asked(stand)
    return [
        f"job {code}: asked {times[code]} times in {tries} attempts"
        for code, tries in attempts.items()
        if times[code] > tries or tries > ATTEMPTS
    ]


def _late_rescues(storm: Disturbances) -> list[str]:
    return [
        f"job {rescue.code} was rescued after {rescue.seconds} s"
        for rescue in storm.rescues
        if rescue.seconds is None or rescue.seconds > RESCUE_SECONDS
    ]


def _answers(people: list[Person]) -> list[str]:
    """A process that is gone does not answer; one that answers must not answer with an error."""
    good = {200, 201, 409, "no answer"}
    return [f"an answer was {status}" for person in people for status in person.answers
            if status not in good]  # fmt: skip


def audit(stand: Stand) -> list[str]:
    try:
        stand.manage("audit_ledger")
    except AssertionError as error:
        return [f"audit_ledger: {error}"]
    return []
