"""Which provider gets the job: order, caps, and a breaker for those that have a bad day.

Everything is read from rows at the moment of asking, so that a switch in the admin counts at once
in every process, and a breaker needs no memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from generation import alerts
from generation.breaker import FAULTS, LOST, is_resting
from generation.models import BUSY, Attempt, Job, ProviderSetting, Route, Tool
from generation.problems import refused
from generation.providers import OWN_MACHINE, PROVIDERS
from generation.providers.base import (
    NO_IMAGE,
    OUTCOME_UNKNOWN,
    PERSONS_OWN,
    TRANSIENT,
    Config,
    Provider,
    ProviderError,
)

MOST_ORDERS = 4
MOST_PAID = 2
SOON_SECONDS = 3.0
LONGEST_WAIT = 60.0
FIRST_IN_ORDER, LAST_IN_ORDER = 10, 90
IN_DOUBT = (LOST, OUTCOME_UNKNOWN)
"""Ends of an order of which nobody knows whether it was taken; a crash is yet to be called one."""
COSTS = {"chat": Decimal("0.07")}
"""Rubles a piece to begin with, where the vendor does not say."""

Take = Callable[[str, str], bool]


class Busy(Exception):
    """All that could do it are full or resting: it keeps its turn."""


def anywhere(_provider: str, _tool: str) -> bool:
    """Room without end: for who only wants to know."""
    return True


def setting_of(name: str) -> ProviderSetting:
    """The provider's row; a provider without one is used with the defaults."""
    return ProviderSetting.objects.filter(name=name).first() or ProviderSetting(name=name)


def made(setting: ProviderSetting) -> Provider:
    """The provider itself, configured from its row and the environment."""
    config = Config(setting.base_url, _key_of(setting), setting.options)
    return PROVIDERS[setting.name](config)


def _key_of(setting: ProviderSetting) -> str:
    if key := settings.PROVIDER_KEYS.get(setting.name):
        return key
    lender = "" if setting.base_url else settings.BORROWED_KEYS.get(setting.name, "")
    return settings.PROVIDER_KEYS.get(lender, "")


def candidates(tool: str) -> list[ProviderSetting]:
    """Who may do this tool, in order. Without routes, the built-in provider."""
    if settings.PROVIDER:
        only = setting_of(settings.PROVIDER)
        if tool in made(only).tools:
            return [only]
    routes = Route.objects.filter(tool=tool).select_related("provider").order_by("order", "pk")
    known = [route.provider for route in routes if route.provider.name in PROVIDERS]
    return [setting for setting in known or [setting_of("local")] if setting.enabled]


def first(tool: str) -> Provider:
    """Who is asked before anything is charged. Nobody: the tool is switched off."""
    settings_of_tool = candidates(tool)
    if not settings_of_tool:
        raise refused("switched_off", status=503)
    return made(settings_of_tool[0])


def seed() -> None:
    """A row for each provider, and routes for those that are set up: with a key, it is used.

    Real providers come before the built-in one. Changes nothing that staff may have edited.
    """
    for name in PROVIDERS:
        setting, _created = ProviderSetting.objects.get_or_create(
            name=name, defaults={"picture_cost": COSTS.get(name, Decimal(0))}
        )
        if is_set_up(setting) and not setting.routes.exists():
            order = LAST_IN_ORDER if name == "local" else FIRST_IN_ORDER
            Route.objects.bulk_create(
                Route(tool=tool, provider=setting, order=order)
                for tool in sorted(made(setting).tools & set(Tool.values))
            )


def is_set_up(setting: ProviderSetting) -> bool:
    """Whether there is enough to ask it at all."""
    return bool(setting.name == "local" or _key_of(setting) or setting.base_url)


def choose(job: Job, take: Take = anywhere) -> ProviderSetting:
    """Who gets this job now. Raises Busy, or ProviderError when nobody is left to ask.

    ``take`` gets a provider's name and a tool, and says whether this process has room for it.
    """
    for setting in _left(job):
        if _has_room(setting, job) and take(setting.name, job.tool):
            return setting
    raise Busy


def confirm(job: Job) -> ProviderSetting:
    """Whom it was claimed for, locked, so that two who want the last room do not both have it.

    Call it in the transaction that writes the order down. Raises as ``choose`` does.
    """
    row = ProviderSetting.objects.select_for_update().filter(name=job.provider).first()
    setting = row or ProviderSetting(name=job.provider)
    still_left = job.provider in {one.name for one in _left(job)}
    if not (still_left and _has_room(setting, job)):
        raise Busy
    return setting


def _left(job: Job) -> list[ProviderSetting]:
    """Who may be asked now, in order; who failed this job before only where no other is left.

    Whoever may hold its last order, and can look it up, is asked about that before anybody else.
    """
    orders = list(Attempt.objects.filter(job=job).order_by("pk"))
    wanted = candidates(job.tool)
    if len(orders) >= MOST_ORDERS or _paid(orders) >= MOST_PAID or not wanted:
        raise ProviderError(_last_code(orders), "nobody is left to ask", accepted=None)
    if holder := _may_hold_it(orders, wanted):
        return [holder]
    tried = {order.provider for order in orders if order.outcome not in ("", LOST)}
    awake = [setting for setting in wanted if not is_resting(setting.name)]
    return [setting for setting in awake if setting.name not in tried] or awake


def _may_hold_it(orders: list[Attempt], wanted: list[ProviderSetting]) -> ProviderSetting | None:
    """Who took the last order, perhaps, and can be asked whether they did."""
    last = orders[-1] if orders else None
    if last is None or last.outcome not in ("", *IN_DOUBT):
        return None
    holders = (setting for setting in wanted if setting.name == last.provider)
    return next((setting for setting in holders if hasattr(made(setting), "find")), None)


def _has_room(setting: ProviderSetting, job: Job) -> bool:
    orders = Attempt.objects.filter(provider=setting.name)
    open_now = orders.filter(outcome="", job__state__in=BUSY, job__provider=setting.name)
    if setting.concurrency and open_now.exclude(job=job).count() >= setting.concurrency:
        return False
    lately = orders.filter(started_at__gt=timezone.now() - td(minutes=1))
    return not setting.per_minute or lately.count() < setting.per_minute


def begin(job: Job, setting: ProviderSetting) -> Attempt:
    """Write the order down before it is placed. One that a crash left open is closed as lost."""
    Attempt.objects.filter(job=job, outcome="").update(outcome=LOST, ended_at=timezone.now())
    return Attempt.objects.create(job=job, provider=setting.name)


def is_in_doubt(job: Job) -> bool:
    """Whether its provider may hold an order that nobody heard the end of."""
    orders = Attempt.objects.filter(job=job, provider=job.provider)
    return orders.filter(outcome__in=IN_DOUBT).exists()


def end(job: Job, outcome: str, error: ProviderError | None = None) -> None:
    """What became of the job's open order, and what that says about its provider."""
    ended = Attempt.objects.filter(job=job, outcome="").update(
        outcome=outcome,
        accepted=error.accepted if error else True,
        detail=error.detail[:2000] if error else "",
        ended_at=timezone.now(),
    )
    if ended:
        alerts.note_end(job.provider, outcome, error)


def wait_before_another(job: Job, error: ProviderError) -> float | None:
    """Seconds until somebody may be asked again for this job; None: it has failed.

    Another order is placed only where the last was provably not accepted, or where its outcome
    cannot be found out, and then once: that second picture is paid by the owner, not the person.
    """
    if error.code in PERSONS_OWN or error.code not in FAULTS | {NO_IMAGE}:
        return None
    orders = list(Attempt.objects.filter(job=job))
    if len(orders) >= MOST_ORDERS or _paid(orders) >= MOST_PAID:
        return None
    if [order.outcome for order in orders].count(error.code) > _patience(error):
        return None
    others = {setting.name for setting in candidates(job.tool)} - {job.provider}
    if error.permanent and not others:
        return None
    wait = error.wait or SOON_SECONDS
    return 0.0 if others else min(wait, LONGEST_WAIT)


def _paid(orders: list[Attempt]) -> int:
    """How many may have to be paid: a crash leaves it as open as a vendor that does not answer."""
    bought = [order for order in orders if order.provider not in OWN_MACHINE]
    return sum(order.accepted is not False for order in bought)


def _patience(error: ProviderError) -> int:
    """How often this kind of failure may happen before it is the job's own."""
    return 1 if error.accepted is not False or error.code == NO_IMAGE else 3


def _last_code(orders: list[Attempt]) -> str:
    codes = [order.outcome for order in orders if order.outcome not in ("", LOST, "done")]
    return codes[-1] if codes else LOST if orders else TRANSIENT
