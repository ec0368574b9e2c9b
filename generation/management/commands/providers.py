"""`manage.py providers`: how every provider is, and what to do where it is not well."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from generation import checkup
from generation.checkup import Finding

TITLES = ("provider", "state", "set up", "on", "routes", "answered", "credits", "last hour")


class Command(BaseCommand):
    help = "Ask every provider how it is. Exit code 1 if one that gets orders is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = checkup.look()
        for line in _table([TITLES, *map(_cells, findings)]):
            self.stdout.write(line)
        for finding in findings:
            if finding.fix:
                self.stdout.write(_advice(finding))
        if any(finding.is_broken for finding in findings):
            raise SystemExit(1)


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        finding.name,
        str(finding.condition.label),
        _yes(finding.is_set_up),
        _yes(finding.is_on),
        ", ".join(finding.routes) or "–",
        f"{finding.answer_seconds:.1f} s" if finding.probe else "–",
        finding.credits or "–",
        _orders(finding),
    )


def _orders(finding: Finding) -> str:
    if not finding.orders:
        return "–"
    seconds = "" if finding.order_seconds is None else f", half in {finding.order_seconds:.0f} s"
    return f"{finding.done} of {finding.orders} done{seconds}"


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _advice(finding: Finding) -> str:
    said = f" ({finding.detail})" if finding.detail else ""
    return f"\n{finding.name}: {finding.fix}{said}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
