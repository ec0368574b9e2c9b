"""All figures, one after the other: ``python -m tests.bench [name …]``.

Each is a ratio against a floor measured in the same run, and the rows are counted. PostgreSQL,
pgbench and redis-server must be there; other work on the machine makes the figures worse.
"""

from __future__ import annotations

import sys

from tests.bench import (
    books,
    delivery,
    ingest,
    isolation,
    ledger,
    overhead,
    page,
    storm,
    submits,
    updates,
)
from tests.chaos.stand import missing

BENCHES = {
    "overhead": overhead.main, "submits": submits.main, "ledger": ledger.main, "books": books.main,
    "isolation": isolation.main, "ingest": ingest.main, "page": page.main, "storm": storm.main,
    "updates": updates.main, "delivery": delivery.main,
}  # fmt: skip
ALONE = ("ingest", "page")


def main(names: list[str]) -> None:
    reason = missing()
    for name in names or BENCHES:
        if reason and name not in ALONE:
            print(f"{name}: not measured, {reason}")
            continue
        BENCHES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
