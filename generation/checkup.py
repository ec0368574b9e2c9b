"""How each provider is: what a harmless question brings, and how its last orders went."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta as td
from decimal import Decimal
from statistics import median

from django.conf import settings
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation import alerts, routing
from generation.models import Attempt, ProviderSetting
from generation.providers import PROVIDERS
from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_CREDITS,
    PERSONS_OWN,
    RATE_LIMITED,
    TRANSIENT,
    Probe,
    ProviderError,
)

logger = logging.getLogger(__name__)

LIMITS = {"connect_seconds": 5.0, "read_seconds": 5.0}
PATIENCE_SECONDS = 15.0
"""For all questions together: some adapters ask more than one."""
SLOW_ANSWER_SECONDS = 3.0
SLOW_ORDER_SECONDS = 120.0
LOOKED_BACK = td(hours=1)
MOST_ORDERS = 5000


class Condition(TextChoices):
    OK = "ok", _("ok")
    NOT_SET_UP = "not set up", _("not set up")
    SWITCHED_OFF = "switched off", _("switched off")
    UNREACHABLE = "unreachable", _("unreachable")
    NO_CREDITS = "no credits", _("no credits")
    MISCONFIGURED = "misconfigured", _("misconfigured")
    RETIRED = "retired model", _("retired model")
    RESTING = "resting", _("resting")
    SLOW = "slow", _("slow")


BROKEN = frozenset({
    Condition.NOT_SET_UP, Condition.UNREACHABLE, Condition.NO_CREDITS, Condition.MISCONFIGURED,
    Condition.RETIRED,
})  # fmt: skip
# What a failed question means; anything else is a line that does not hold.
MEANINGS = {
    NO_CREDITS: Condition.NO_CREDITS,
    MISCONFIGURED: Condition.MISCONFIGURED,
    INVALID_INPUT: Condition.MISCONFIGURED,
    RATE_LIMITED: Condition.SLOW,
}
FIXES = {
    Condition.NOT_SET_UP: _(
        "Set its key in the environment, or its address or options in the admin."
    ),
    Condition.SWITCHED_OFF: _("Switch it on in the admin when it should work again."),
    Condition.UNREACHABLE: _("See that the server runs and that its address can be reached."),
    Condition.NO_CREDITS: alerts.FIXES[NO_CREDITS],
    Condition.MISCONFIGURED: alerts.FIXES[MISCONFIGURED],
    Condition.RETIRED: alerts.FIXES[alerts.RETIRED],
    Condition.RESTING: alerts.FIXES[alerts.RESTING],
    Condition.SLOW: _("Wait, or route a faster provider before it."),
}


@dataclass(frozen=True)
class Finding:
    """One provider. ``probe`` and ``error`` are both None where it was not asked."""

    setting: ProviderSetting
    is_set_up: bool
    routes: tuple[str, ...] = ()
    is_resting: bool = False
    orders: int = 0
    done: int = 0
    order_seconds: float | None = None
    probe: Probe | None = None
    error: ProviderError | None = None
    answer_seconds: float = 0.0

    @property
    def name(self) -> str:
        return self.setting.name

    @property
    def is_on(self) -> bool:
        return self.setting.enabled

    @property
    def condition(self) -> Condition:
        """The first of its troubles, in the order in which they have to be mended."""
        if not self.is_set_up:
            return Condition.NOT_SET_UP
        if not self.is_on:
            return Condition.SWITCHED_OFF
        if self.error:
            return MEANINGS.get(self.error.code, Condition.UNREACHABLE)
        if self.missing:
            return Condition.RETIRED
        if self.is_resting:
            return Condition.RESTING
        return Condition.SLOW if self._is_slow() else Condition.OK

    @property
    def fix(self) -> Promise | str:
        """What to do about it, in one sentence."""
        return FIXES.get(self.condition, "")

    @property
    def is_broken(self) -> bool:
        """Whether people's orders go to it in vain."""
        return bool(self.routes) and self.is_on and self.condition in BROKEN

    @property
    def missing(self) -> list[str]:
        return sorted(self.probe.missing) if self.probe else []

    @property
    def detail(self) -> str:
        """The vendor's words, or the models that it does not list."""
        if self.error:
            return alerts.presentable(self.error.detail or self.error.code)
        return ", ".join(self.missing) or (self.probe.detail if self.probe else "")

    @property
    def credits(self) -> str:
        return self.probe.credits if self.probe else ""

    @property
    def success(self) -> int | None:
        """Percent of the orders that ended in the last hour."""
        return round(100 * self.done / self.orders) if self.orders else None

    def _is_slow(self) -> bool:
        return self.answer_seconds > SLOW_ANSWER_SECONDS or (
            self.order_seconds is not None and self.order_seconds > SLOW_ORDER_SECONDS
        )


def known() -> list[Finding]:
    """Every provider as the rows know it. Nobody is asked."""
    rows = {row.name: row for row in ProviderSetting.objects.prefetch_related("routes")}
    history = _history()
    found = [rows.get(name) or ProviderSetting(name=name) for name in PROVIDERS]
    return [_from_rows(setting, history.get(setting.name, [])) for setting in found]


def look() -> list[Finding]:
    """Every provider that is set up and switched on is asked, all at once."""
    return _remembered(_asked(known()))


def look_after() -> None:
    """At start-up and by the clock: those who get orders. What is wrong becomes an alert."""
    _remembered(_asked([finding for finding in known() if finding.routes]))


def _from_rows(setting: ProviderSetting, orders: list[tuple[bool, float]]) -> Finding:
    seconds = [took for done, took in orders if done]
    return Finding(
        setting,
        is_set_up=_is_set_up(setting),
        routes=_routes(setting),
        is_resting=bool(orders) and routing.is_resting(setting.name),
        orders=len(orders),
        done=len(seconds),
        order_seconds=median(seconds) if seconds else None,
    )


def _is_set_up(setting: ProviderSetting) -> bool:
    """A provider that needs no key may be on this machine, with nothing but options."""
    keyless = setting.name not in settings.PROVIDER_KEYS
    return routing.is_set_up(setting) or (keyless and bool(setting.options))


def _routes(setting: ProviderSetting) -> tuple[str, ...]:
    if setting.name == settings.PROVIDER:
        return ("PROVIDER",)
    return tuple(route.tool for route in setting.routes.all()) if setting.pk else ()


def _history() -> dict[str, list[tuple[bool, float]]]:
    """Whether each order of the last hour was done, and its seconds.

    What was the person's own, or lost with one of our workers, says nothing about a provider.
    """
    since = timezone.now() - LOOKED_BACK
    ended = Attempt.objects.filter(started_at__gt=since, ended_at__isnull=False)
    theirs = ended.exclude(outcome__in=(*PERSONS_OWN, routing.LOST)).order_by("-started_at")
    history: dict[str, list[tuple[bool, float]]] = {}
    for row in theirs.only("provider", "outcome", "started_at", "ended_at")[:MOST_ORDERS]:
        took = (row.ended_at - row.started_at).total_seconds()
        history.setdefault(row.provider, []).append((row.outcome == "done", took))
    return history


def _asked(findings: list[Finding]) -> list[Finding]:
    """Side by side, so that one that hangs holds up nobody."""
    answers: dict[str, Finding] = {}
    threads = {
        finding.name: threading.Thread(target=_ask, args=(finding, answers), daemon=True)
        for finding in findings
        if finding.is_set_up and finding.is_on
    }
    for thread in threads.values():
        thread.start()
    end = time.monotonic() + PATIENCE_SECONDS
    for thread in threads.values():
        thread.join(max(0.0, end - time.monotonic()))
    for finding in findings:
        if finding.name in threads:
            answers.setdefault(finding.name, _silent(finding))
    return [answers.get(finding.name, finding) for finding in findings]


def _ask(finding: Finding, answers: dict[str, Finding]) -> None:
    """In a thread, without the database. Whatever goes wrong is the provider's own trouble."""
    began, setting = time.monotonic(), copy(finding.setting)
    setting.options = {**setting.options, **LIMITS}
    probe, error = None, None
    try:
        provider = routing.made(setting)
        probe = provider.probe() if hasattr(provider, "probe") else None
    except ProviderError as failed:
        error = failed
    except Exception as failed:
        error = ProviderError(MISCONFIGURED, repr(failed))
    took = time.monotonic() - began
    answers[finding.name] = replace(finding, probe=probe, error=error, answer_seconds=took)


def _silent(finding: Finding) -> Finding:
    error = ProviderError(TRANSIENT, f"no answer in {PATIENCE_SECONDS:.0f} s")
    return replace(finding, error=error, answer_seconds=PATIENCE_SECONDS)


def _remembered(findings: Iterable[Finding]) -> list[Finding]:
    """What was found out stays as rows: alerts until it is well again, and what accounts hold."""
    findings = list(findings)
    for finding in findings:
        _remember_models(finding)
        _remember_balance(finding)
        if finding.error and finding.routes:
            alerts.note_end(finding.name, finding.error.code, finding.error)
    return findings


def _remember_models(finding: Finding) -> None:
    key = alerts.about(finding.name, alerts.RETIRED)
    if finding.missing and finding.routes:
        logger.warning("%s no longer lists %s", finding.name, ", ".join(finding.missing))
        alerts.raise_alert(key, f"no longer listed: {', '.join(finding.missing)}")
    elif finding.probe:
        alerts.clear(key)


def _remember_balance(finding: Finding) -> None:
    """Nothing is known of one that does not say. Below its limit the owner hears of it once."""
    is_empty = finding.error and finding.error.code == NO_CREDITS
    left = Decimal(0) if is_empty else finding.probe and finding.probe.balance
    if left is None:
        return
    ProviderSetting.objects.filter(name=finding.name).update(balance=left)
    key, least = alerts.about(finding.name, alerts.LOW_BALANCE), finding.setting.low_balance
    if 0 < left < least:
        alerts.hold(key, f"{finding.credits} left, told below {least.normalize():f}")
    else:
        alerts.clear(key)
