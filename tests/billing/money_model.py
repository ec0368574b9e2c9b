"""What the ledger must be equal to, in plain lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from datetime import timedelta as td

from django.utils import timezone

from billing.models import Price

ORDER = ("plan", "credit", "free")


@dataclass
class ModelLot:
    who: int
    kind: str
    granted: int
    left: int
    end: datetime | None
    for_nothing: bool = False

    @property
    def row(self) -> tuple[str, int, int, datetime | None]:
        return self.kind, self.granted, self.left, self.end

    @property
    def runs(self) -> bool:
        return self.end is None or self.end > timezone.now()


@dataclass
class Model:
    born: datetime = field(default_factory=timezone.now)
    lots: list[ModelLot] = field(default_factory=list)
    drawn: dict[str, list[tuple[ModelLot, int]]] = field(default_factory=dict)
    bought: dict[str, ModelLot | None] = field(default_factory=dict)
    invited: dict[int, tuple[int, bool]] = field(default_factory=dict)
    earned: set[int] = field(default_factory=set)
    promo: set[int] = field(default_factory=set)
    gifts: dict[str, tuple[int, int, datetime, str]] = field(default_factory=dict)
    spent: set[int] = field(default_factory=set)

    def grant(
        self, who: int, kind: str, units: int, end: datetime | None, *, for_nothing: bool = False
    ) -> ModelLot:
        self.lots.append(ModelLot(who, kind, units, units, end, for_nothing))
        return self.lots[-1]

    def running(self, who: int, kind: str) -> list[ModelLot]:
        """Soonest to end first, oldest first among equals."""
        lots = [lot for lot in self.lots if lot.who == who and lot.kind == kind and lot.runs]
        return sorted(lots, key=lambda lot: (lot.end is None, lot.end or timezone.now()))

    def balance(self, who: int) -> dict[str, int]:
        have = {kind: sum(lot.left for lot in self.running(who, kind)) for kind in ORDER}
        return have if self.running(who, "free") else have | {"free": 10}

    def can_give(self, who: int) -> int:
        return sum(lot.left for lot in self.running(who, "credit") if not lot.for_nothing)

    def on_plan(self, who: int) -> bool:
        return bool(self.running(who, "plan"))

    def who_pays(self, who: int, price: Price, count: int) -> str | None:
        have = self.balance(who)
        if not price.actions:
            if self.on_plan(who):
                return "plan"
            return "credit" if have["credit"] >= price.amount("credit", count) else None
        able = (kind for kind in ORDER if have[kind] >= price.amount(kind, count))
        return next(able, None)

    def draw(self, who: int, kind: str, units: int, key: str, *, as_gift: bool = False) -> None:
        if kind == "free" and not self.running(who, "free"):
            self.grant(who, "free", 10, timezone.now() + td(days=30))
        self.drawn[key] = []
        for lot in self.running(who, kind):
            if as_gift and lot.for_nothing:
                continue
            take = min(lot.left, units)
            lot.left, units = lot.left - take, units - take
            self.drawn[key].append((lot, take))
            if take:
                self.spent.add(who)

    def put_back(self, key: str) -> None:
        for lot, units in self.drawn.pop(key, []):
            lot.left += units

    def buy(self, who: int, units: int, days: int, code: str) -> None:
        if not days:
            self.bought[code] = self.grant(who, "credit", units, None)
            return
        running = self.running(who, "plan")
        end = max([timezone.now(), *(lot.end for lot in running)]) + td(days=days)
        for lot in running:
            lot.end = end
        self.bought[code] = self.grant(who, "plan", units, end)

    def give_purchase_back(self, code: str) -> None:
        lot = self.bought[code]
        if lot.left:
            self.spent.add(lot.who)
        lot.left = 0
        if lot.kind == "plan" and lot.runs:
            lot.end = timezone.now()
        self.bought[code] = None

    def may_bind(self, friend: int, inviter: int) -> bool:
        fresh = timezone.now() - self.born <= td(days=1)
        inviting = {inviter for inviter, _ring in self.invited.values()}
        known = friend in self.invited or friend in inviting
        return friend != inviter and fresh and not known and friend not in self.spent

    def bind(self, friend: int, inviter: int) -> None:
        ring = inviter in self.invited and timezone.now() - self.born < td(days=1)
        self.invited[friend] = (inviter, ring)

    def first_picture(self, who: int) -> None:
        if who in self.invited and who not in self.earned:
            self.earned.add(who)
            inviter, ring = self.invited[who]
            if not ring:
                self.grant(inviter, "credit", 10, None, for_nothing=True)

    def return_gifts(self) -> None:
        late = [token for token, gift in self.gifts.items() if gift[2] <= timezone.now()]
        for token in late:
            self.put_back(self.gifts.pop(token)[3])
