"""`manage.py doctor`: what is wrong with this configuration, and how to mend each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from aibot import doctor
from aibot.doctor import Finding


class Command(BaseCommand):
    help = "Check the configuration from end to end. Exit code 1 if something must be mended."
    requires_system_checks: list[str] = []  # they are among ours, with what to do about them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("checks", nargs="*", choices=[*doctor.CHECKS, []], metavar="check",
                            help="only these: " + ", ".join(doctor.CHECKS))  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        found: list[Finding] = []
        with translation.override("en"):
            for name, findings in doctor.look(options["checks"]):
                self.stdout.write(f"{name:<13}{'ok' if not findings else len(findings)}")
                found += findings
        grave = [one for one in found if one.is_grave]
        for one in sorted(found, key=lambda one: not one.is_grave):
            self.stdout.write(_paragraph(one))
        self.stdout.write(f"\n{len(grave)} to mend, {len(found) - len(grave)} to consider.")
        if grave:
            raise SystemExit(1)


def _paragraph(found: Finding) -> str:
    sign = "✗" if found.is_grave else "·"
    return f"\n{sign} {found.what}\n    why  {found.why}\n    fix  {found.fix}"
