"""One line for each figure: measured, floor, ratio, aim, and what was counted to believe it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """``aim`` reads like ">= 0.25" and is judged against ``judged``."""

    name: str
    measured: str
    floor: str
    ratio: float
    aim: str
    judged: float
    counted: str

    def reached(self) -> str:
        if not self.aim:
            return "no aim"
        sign, limit = self.aim.split()
        good = self.judged >= float(limit) if sign == ">=" else self.judged <= float(limit)
        return f"aim {self.aim}: {'reached' if good else 'NOT reached'}"

    def tell(self) -> None:
        print(f"{self.name}: {self.measured}")
        print(f"    floor {self.floor}, ratio {self.ratio:.2f}; {self.reached()}")
        print(f"    counted: {self.counted}", flush=True)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def p50_p99(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), percentile(values, 0.99)
