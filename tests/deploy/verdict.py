"""What must not happen while the studio is deployed: a sentence each, none if all is well."""

from __future__ import annotations

from typing import Any

from tests.chaos import verdict
from tests.deploy.host import Host
from tests.deploy.load import Load, Person
from tests.deploy.tabs import FINAL, Tab

BACK_SECONDS = 2.0
TOLD_SECONDS = 2.0
MOST_ORDERS = 2


def findings(host: Host, load: Load, people: list[Person]) -> list[str]:
    """Whatever the machine is busy with."""
    return [
        *load.failures, *_states(host, people), *_jobs(host, people),
        *verdict.money(host.stand), *verdict.pictures(host.stand), *verdict.audit(host.stand),
    ]  # fmt: skip


def tabs_of(people: list[Person]) -> list[Tab]:
    return [tab for person in people for tab in person.tabs]


def delays(host: Host, people: list[Person]) -> list[str]:
    """What took longer than promised: asked of a machine that does nothing else."""
    gaps = [gap for tab in tabs_of(people) for gap in tab.gaps]
    wrong = [f"a socket closed with {code} was back after {seconds:.2f} s"
             for code, seconds in gaps if seconds > BACK_SECONDS]  # fmt: skip
    ends = ended(host)
    late = [(code, tab.knew_the_end_at[code] - ends[code][2])
            for tab in tabs_of(people) for code in tab.knew_the_end_at]  # fmt: skip
    return wrong + [f"job {code}: a page knew its end {seconds:.2f} s late"
                    for code, seconds in late if seconds > TOLD_SECONDS]  # fmt: skip


def _states(host: Host, people: list[Person]) -> list[str]:
    """Whatever page heard of a job knows its end, as the row has it; and each is known by some."""
    ends = ended(host)
    wrong = [f"{tab.backwards} jobs rose from the dead on a page" for tab in tabs_of(people)
             if tab.backwards]  # fmt: skip
    for person in people:
        for code in person.submitted:
            seen = [tab.jobs[code] for tab in person.tabs if code in tab.jobs]
            wrong += [] if seen else [f"job {code} is shown by no page"]
            wrong += _missed(code, seen, *ends[code][:2])
    return wrong


def _missed(code: str, seen: list[dict[str, Any]], state: str, version: int) -> list[str]:
    return [f"job {code} is {state} ({version}), a page shows {job['state']}" for job in seen
            if (job["state"], job["version"]) != (state, version)]  # fmt: skip


def ended(host: Host) -> dict[str, tuple[str, int, float]]:
    rows = host.stand.rows(
        "SELECT code::text, state, version, coalesce(extract(epoch FROM finished_at), 0)::float "
        "FROM generation_job"
    )
    return {code: (state, version, at) for code, state, version, at in rows}


def _jobs(host: Host, people: list[Person]) -> list[str]:
    """Each was promised once, has ended, and was ordered once, or once more after it was left."""
    ends, asked = ended(host), verdict.asked(host.stand)
    promised = [code for person in people for code in person.submitted]
    wrong = [f"job {code} was promised and is not there" for code in promised if code not in ends]
    wrong += [f"job {code} was asked for by nobody" for code in set(ends) - set(promised)]
    wrong += [f"job {code} never ended: {state}" for code, (state, _version, _at) in ends.items()
              if state not in FINAL]  # fmt: skip
    return wrong + [f"job {code} was ordered {asked[code]} times" for code in ends
                    if asked[code] > MOST_ORDERS]  # fmt: skip
