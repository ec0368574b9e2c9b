"""Was everybody served or given everything back? Asked of the rows, the files and the vendors."""

from __future__ import annotations

import json
import statistics
import urllib.request
from dataclasses import dataclass

from tests.chaos import verdict
from tests.chaos.cells import (
    AFTER,
    CALLS_LATE,
    COLUMNS,
    DELIVERED,
    REFUSED,
    SWALLOWED,
    SYNC,
    TAKEN,
    Cell,
)
from tests.chaos.stand import Stand
from tests.chaos.vendors import SAID, Kie, OpenRouter

LATE_SECONDS = 15
MOST_ORDERS = 4
MOST_PAID = 2
ENDS = """
    SELECT j.code::text, j.state, j.error_code,
        extract(epoch FROM j.finished_at)::float, extract(epoch FROM j.deadline_at)::float,
        extract(epoch FROM (SELECT max(e.created_at) FROM billing_entry e
                            WHERE e.key = 'job:' || j.code || ':refund'))::float
    FROM generation_job j"""


@dataclass(frozen=True)
class End:
    """How the job of a cell stands in the database; times are seconds since 1970."""

    code: str
    state: str
    error: str
    ended_at: float | None
    deadline_at: float
    refunded_at: float | None

    @property
    def late(self) -> float:
        return (self.ended_at or 0) - self.deadline_at

    def refund_after(self, cell: Cell) -> float | None:
        """Seconds from the vendor's last bad news; none where time ran out or nobody could know."""
        if self.refunded_at is None or cell.failed_at is None or self.error in ("expired", "lost"):
            return None
        return max(0.0, self.refunded_at - cell.failed_at)


def ends(stand: Stand) -> dict[str, End]:
    return {row[0]: End(*row) for row in stand.rows(ENDS)}


def findings(stand: Stand, cells: list[Cell], vendors: tuple[Kie, OpenRouter]) -> list[str]:
    """One sentence for each thing that must not be. Empty: nobody paid for nothing."""
    ended = ends(stand)
    wrong = [
        f"{cell}: {what}"
        for cell in cells
        for what in [*_end(cell, ended.get(cell.code)), *_orders(cell), *_telling(stand, cell)]
    ]
    wrong += [f"{vendor.order_path}: {what}" for vendor in vendors for what in vendor.mistakes]
    wrong += [f"{cell}: its call was answered with {status}"
              for cell, status in vendors[0].called if status != 200]  # fmt: skip
    return [*wrong, *verdict.money(stand), *verdict.pictures(stand), *verdict.audit(stand)]


def _end(cell: Cell, end: End | None) -> list[str]:
    if end is None:
        return ["has no job"]
    if end.ended_at is None:
        return [f"never ended: {end.state}"]
    wanted = "done" if cell.row in DELIVERED else "failed"
    wrong = [] if end.state == wanted else [f"{end.state} {end.error}, and not {wanted}"]
    if end.late > LATE_SECONDS:
        wrong.append(f"ended {end.late:.0f} s after its deadline")
    if cell.row == CALLS_LATE and end.error != "expired":
        wrong.append(f"ended as {end.error}, and not when its time was over")
    return wrong


def _orders(cell: Cell) -> list[str]:
    """Another order only after a refusal, or once where nobody knows what became of the first."""
    fates = [order.fate for order in cell.orders]
    wrong = [f"{len(fates)} orders: {fates}"] if len(fates) > MOST_ORDERS else []
    if sum(fate != REFUSED for fate in fates) > MOST_PAID:
        wrong.append(f"ordered again and again without knowing: {fates}")
    answer_may_be_lost = cell.vendor == SYNC and cell.column == AFTER
    if TAKEN in fates[:-1] and not answer_may_be_lost:
        wrong.append(f"ordered again although an order was taken: {fates}")
    return wrong


def _telling(stand: Stand, cell: Cell) -> list[str]:
    """Whoever got nothing reads a sentence of ours, and never the vendor's words."""
    url = f"http://127.0.0.1:{stand.web}/api/v1/jobs/{cell.code}/"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {cell.key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        job = json.load(answer)
    said = (job["error"] or {}).get("message", "")
    well_told = "Nothing was charged" in said or job["state"] == "done"
    return [] if well_told and SAID not in said else [f"the person is told {said!r}"]


def tell(stand: Stand, cells: list[Cell]) -> None:
    """Each cell with its outcome, its orders and the seconds to the refund, then what counts."""
    ended = ends(stand)
    told = {(c.row, c.vendor, c.column): _in_words(c, ended[c.code]) for c in cells}
    print(f"{'':27}" + "".join(f"{column:24}" for column in COLUMNS))
    for row, vendor in dict.fromkeys((c.row, c.vendor) for c in cells):
        words = (told.get((row, vendor, column), "–") for column in COLUMNS)
        print(f"{row:16}{vendor:11}" + "".join(f"{each:24}" for each in words))
    waits = sorted(s for c in cells if (s := ended[c.code].refund_after(c)) is not None)
    states = [end.state for end in ended.values()]
    late = max(end.late for end in ended.values())
    print(f"{len(cells)} cells: {states.count('done')} done, {states.count('failed')} failed; "
          f"latest end {late:+.1f} s from its deadline")  # fmt: skip
    if waits:
        print(f"from the known failure to the refund ({len(waits)} jobs): median "
              f"{statistics.median(waits):.2f} s, 95 % {waits[int(len(waits) * 0.95)]:.2f} s, "
              f"longest {waits[-1]:.2f} s")  # fmt: skip


def _in_words(cell: Cell, end: End) -> str:
    """``no_image 2x 0.1s``: two orders that the vendor saw, and the refund."""
    seen = sum(order.fate != SWALLOWED for order in cell.orders)
    wait = end.refund_after(cell)
    return f"{end.error or end.state} {seen}x" + ("" if wait is None else f" {wait:.1f}s")
