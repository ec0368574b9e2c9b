"""The failure matrix as data: what a vendor does wrong, and where its job's worker is killed."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field

from tests.vendors.stub import HANG, HTML, RESET
from tests.vendors.wrong_pictures import WRONG_PICTURES

SYNC, ASYNC = "openrouter", "kie"
VENDORS = (ASYNC, SYNC)

# A number is a refusal with that code; the others are the stubs' own.
REFUSALS = {name: int(name) for name in ("400", "401", "402", "429", "500", "503")}
SILENCES = {"timeout": HANG, "reset": RESET, "HTML": HTML}
PICTURES = {
    "empty": WRONG_PICTURES["empty"],
    "corrupt": WRONG_PICTURES["corrupt"],
    "200 megapixels": WRONG_PICTURES["200 megapixels"],
    "wrong type": WRONG_PICTURES["tiff"],
}
CALLS_LATE = "calls late"
CALLS = ("calls never", "calls thrice", CALLS_LATE, "calls elsewhere")
POLICY = "policy"
ROWS = (*SILENCES, *REFUSALS, POLICY, *PICTURES, *CALLS)
AT_THE_ORDER = frozenset({*SILENCES, *REFUSALS})
DELIVERED = frozenset({"calls never", "calls thrice", "calls elsewhere"})

CALM = "no kill"
BEFORE = "before"
"""The order was on its way, and the vendor never saw it."""
DURING = "during"
"""The vendor took the order; its answer did not get through."""
WAITING = "waiting"
"""The vendor works on it, and no worker holds it."""
AFTER = "after"
"""The vendor's last answer is there, and nothing of it is stored."""
COLUMNS = (CALM, BEFORE, DURING, WAITING, AFTER)

LOST, REFUSED, TAKEN, SWALLOWED = "lost", "refused", "taken", "swallowed"
NUMBER = re.compile(r"\[cell (\d+)\]")


@dataclass
class Order:
    """One order as the vendor saw it. ``lost``: it came, and its answer did not go."""

    fate: str = TAKEN
    at: float = field(default_factory=time.time)


@dataclass
class Cell:
    number: int
    vendor: str
    row: str
    column: str
    code: str = ""
    key: str = ""  # of the person who asked
    orders: list[Order] = field(default_factory=list)
    failed_at: float | None = None  # when the vendor's last bad news was known

    def __str__(self) -> str:
        return f"{self.vendor}, {self.row}, {self.column}"

    @property
    def prompt(self) -> str:
        return f"a lake at sunset [cell {self.number}]"

    @property
    def is_held(self) -> bool:
        return self.column != CALM


@dataclass
class Kill:
    """A kill that waits until every job stands where it is to be hit."""

    missing: set[int]
    near: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    all_here: threading.Event = field(default_factory=threading.Event)
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def arrive(self, cell: Cell) -> None:
        with self._changing:
            self.missing.discard(cell.number)
            if not self.missing:
                self.all_here.set()


def all_cells(rows: tuple[str, ...]) -> list[Cell]:
    wanted = [
        (vendor, row, column)
        for row in rows
        for vendor in VENDORS
        for column in COLUMNS
        if exists(vendor, row, column)
    ]
    return [Cell(number, *each) for number, each in enumerate(wanted)]


def exists(vendor: str, row: str, column: str) -> bool:
    """Only kie calls back, and only its jobs wait. After our deadline nothing is left to store."""
    if vendor == SYNC:
        return row not in CALLS and column != WAITING
    return (row, column) != (CALLS_LATE, AFTER)
