"""What happened while the studio was deployed, in figures."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field

from tests.deploy import verdict
from tests.deploy.host import Act, Host
from tests.deploy.load import Load, Person


@dataclass
class Show:
    """The host, who is there, and what was found to be wrong so far."""

    host: Host
    load: Load
    people: list[Person]
    wrong: list[str] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    open_jobs: list[int] = field(default_factory=list)

    @property
    def gaps(self) -> list[tuple[int, float]]:
        """Each time that a socket broke: with which code, and for how many seconds."""
        return [gap for tab in verdict.tabs_of(self.people) for gap in tab.gaps]


def tell(show: Show) -> None:
    for name in ("deploy.sh", "rollback.sh"):
        _tell_acts(name, [act.seconds for act in show.acts if act.name == name and act.code == 0])
    _tell_acts("broken builds, which roll back", [act.seconds for act in show.acts if act.code])
    _tell_requests(show.load)
    back = sorted(seconds for _code, seconds in show.gaps) or [0.0]
    codes = dict(Counter(code for code, _seconds in show.gaps))
    print(f"  sockets moved {len(show.gaps)} times, closed with {codes}: "
          f"back after {statistics.median(back):.2f} s, longest {back[-1]:.2f} s")  # fmt: skip
    _tell_jobs(show)


def _tell_acts(name: str, took: list[float]) -> None:
    if took:
        print(f"  {len(took)} × {name}: median {statistics.median(took):.1f} s, "
              f"longest {max(took):.1f} s")  # fmt: skip


def _tell_requests(load: Load) -> None:
    spans = statistics.quantiles(load.seconds, n=100)
    print(f"  requests: {load.counts.total()}, {dict(load.counts)}")
    print(f"  failed: {len(load.failures)}; kept connections renewed: {load.renewed}")
    print(f"  answers: median {spans[49] * 1000:.0f} ms, p99 {spans[98] * 1000:.0f} ms, "
          f"longest {max(load.seconds):.2f} s")  # fmt: skip


def _tell_jobs(show: Show) -> None:
    ends = verdict.ended(show.host)
    states = Counter(state for state, _version, _at in ends.values())
    rows = show.host.stand.rows("SELECT count(*) FROM generation_attempt WHERE outcome = 'lost'")
    late = [tab.knew_the_end_at[code] - ends[code][2]
            for person in show.people for tab in person.tabs
            for code in person.submitted if code in tab.knew_the_end_at]  # fmt: skip
    print(f"  jobs: {dict(states)}, {rows[0][0]} handed back by a worker that left; "
          f"running at once: mean {statistics.mean(show.open_jobs):.1f}")  # fmt: skip
    print(f"  pages that learned of an end: {len(late)}, latest {max(late, default=0):.2f} s after")
