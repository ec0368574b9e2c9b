"""Which provider gets the job: order, caps, and a breaker for those that have a bad day.

Everything is read from rows at the moment of asking, so that a switch in the admin counts at once
in every process, and a breaker needs no memory of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta as td

from django.conf import settings
from django.utils import timezone

from generation.models import BUSY, Attempt, Job, ProviderSetting, Route, Tool
from generation.problems import refused
from generation.providers import PROVIDERS
from generation.providers.base import (
    MISCONFIGURED,
    NO_CREDITS,
    NO_IMAGE,
    OUTCOME_UNKNOWN,
    PERSONS_OWN,
    RATE_LIMITED,
    TRANSIENT,
    Config,
    Provider,
    ProviderError,
)

WATCHED_SECONDS = 30
WATCHED_ORDERS = 20
ENOUGH_ORDERS = 5
PROBE_SECONDS = 10
MOST_ORDERS = 4
SOON_SECONDS = 3.0
LONGEST_WAIT = 60.0
FIRST_IN_ORDER, LAST_IN_ORDER = 10, 90
FAULTS = frozenset({TRANSIENT, MISCONFIGURED, NO_CREDITS, OUTCOME_UNKNOWN, RATE_LIMITED})
LOST = "lost"


@dataclass(frozen=True)
class Busy(Exception):
    """All that could do it are full, resting or tried just now: look again after ``seconds``."""

    seconds: float = SOON_SECONDS


def setting_of(name: str) -> ProviderSetting:
    """The provider's row; a provider without one is used with the defaults."""
    return ProviderSetting.objects.filter(name=name).first() or ProviderSetting(name=name)


def made(setting: ProviderSetting) -> Provider:
    """The provider itself, configured from its row and the environment."""
    config = Config(setting.base_url, settings.PROVIDER_KEYS.get(setting.name, ""), setting.options)
    return PROVIDERS[setting.name](config)


def candidates(tool: str) -> list[ProviderSetting]:
    """Who may do this tool, in order. Without routes, the built-in provider."""
    if settings.PROVIDER:
        return [setting_of(settings.PROVIDER)]
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
        setting, _created = ProviderSetting.objects.get_or_create(name=name)
        if _is_set_up(setting) and not setting.routes.exists():
            order = LAST_IN_ORDER if name == "local" else FIRST_IN_ORDER
            Route.objects.bulk_create(
                Route(tool=tool, provider=setting, order=order)
                for tool in sorted(made(setting).tools & set(Tool.values))
            )


def _is_set_up(setting: ProviderSetting) -> bool:
    return bool(
        setting.name == "local" or settings.PROVIDER_KEYS.get(setting.name) or setting.base_url
    )


def choose(job: Job) -> ProviderSetting:
    """Who gets this job now. Raises Busy, or ProviderError when nobody is left to ask."""
    orders = list(Attempt.objects.filter(job=job).order_by("pk"))
    wanted = candidates(job.tool)
    if len(orders) >= MOST_ORDERS or not wanted:
        raise ProviderError(_last_code(orders), "nobody is left to ask")
    tried = {order.provider for order in orders if order.outcome not in ("", LOST)}
    for setting in sorted(wanted, key=lambda setting: setting.name in tried):
        if not is_resting(setting.name) and _has_room(setting):
            return setting
    raise Busy


def is_resting(name: str) -> bool:
    """Whether the breaker is open: half of the last orders failed, and no probe is due."""
    recent = Attempt.objects.filter(
        provider=name, started_at__gt=timezone.now() - td(seconds=WATCHED_SECONDS)
    ).order_by("-pk")[:WATCHED_ORDERS]
    orders = list(recent)
    ended = [order for order in orders if order.outcome]
    if not ended or ended[0].outcome not in FAULTS:
        return False
    faults = sum(order.outcome in FAULTS for order in ended)
    if len(ended) < ENOUGH_ORDERS or faults * 2 < len(ended):
        return False
    return timezone.now() - orders[0].started_at < td(seconds=PROBE_SECONDS)


def _has_room(setting: ProviderSetting) -> bool:
    orders = Attempt.objects.filter(provider=setting.name)
    open_now = orders.filter(outcome="", job__state__in=BUSY, job__provider=setting.name)
    if setting.concurrency and open_now.count() >= setting.concurrency:
        return False
    lately = orders.filter(started_at__gt=timezone.now() - td(minutes=1))
    return not setting.per_minute or lately.count() < setting.per_minute


def begin(job: Job, setting: ProviderSetting) -> Attempt:
    """Write the order down before it is placed. One that a crash left open is closed as lost."""
    Attempt.objects.filter(job=job, outcome="").update(outcome=LOST, ended_at=timezone.now())
    return Attempt.objects.create(job=job, provider=setting.name)


def end(job: Job, outcome: str, error: ProviderError | None = None) -> None:
    """What became of the job's open order."""
    Attempt.objects.filter(job=job, outcome="").update(
        outcome=outcome,
        accepted=error.accepted if error else True,
        detail=error.detail[:2000] if error else "",
        ended_at=timezone.now(),
    )


def wait_before_another(job: Job, error: ProviderError) -> float | None:
    """Seconds until somebody may be asked again for this job; None: it has failed.

    Another order is placed only where the last was provably not accepted, or where its outcome
    cannot be found out, and then once: that second picture is paid by the owner, not the person.
    """
    if error.code in PERSONS_OWN or error.code not in FAULTS | {NO_IMAGE}:
        return None
    codes = list(Attempt.objects.filter(job=job).values_list("outcome", flat=True))
    if len(codes) >= MOST_ORDERS or codes.count(error.code) > _patience(error):
        return None
    others = {setting.name for setting in candidates(job.tool)} - {job.provider}
    if error.permanent and not others:
        return None
    wait = error.wait or SOON_SECONDS
    return 0.0 if others else min(wait, LONGEST_WAIT)


def _patience(error: ProviderError) -> int:
    """How often this kind of failure may happen before it is the job's own."""
    return 1 if error.accepted is not False or error.code == NO_IMAGE else 3


def _last_code(orders: list[Attempt]) -> str:
    codes = [order.outcome for order in orders if order.outcome not in ("", LOST, "done")]
    return codes[-1] if codes else TRANSIENT
