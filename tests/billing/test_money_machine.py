"""Random months of money against a model of a few lines: after each step the two agree.

Any step may be broken off after its change: then nothing of it may have happened.
MONEY_EXAMPLES=500 looks further, and elsewhere each time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import timedelta as td
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)  # fmt: skip

from billing import gifts, granting, ledger, payments, promos, referrals, subscriptions
from billing.audit import findings
from billing.gateways import sandbox
from billing.models import (
    Gift,
    Kind,
    Lot,
    Payment,
    Price,
    Product,
    Promo,
    SandboxPayment,
    unbalanced_lots,
)  # fmt: skip
from billing.problem import Problem
from tests.billing.money_model import Model
from tests.conftest import make_person

EXAMPLES = int(os.environ.get("MONEY_EXAMPLES", "12"))
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
PRICES = (Price(tool="tryon", credits=2, actions=1), Price(tool="assistant", credits=1, actions=0))
PEOPLE = st.integers(0, 2)
BROKEN = st.sampled_from([False, False, False, True])
"""Whether the step is broken off after its change."""


class BrokenOff(Exception):
    pass


class Money(RuleBasedStateMachine):
    """Three people. `step` does a thing in a transaction and says whether it stands."""

    @initialize()
    def begin(self) -> None:
        self.undo = contextlib.ExitStack()
        self.undo.enter_context(transaction.atomic())
        self.clock = self.undo.enter_context(time_machine.travel(START, tick=False))
        self.numbers = itertools.count()
        self.model = Model()
        self.people = [make_person(f"machine {n}") for n in range(3)]
        self.charges: list[tuple[int, str]] = []
        for who in range(3):
            self.model.grant(who, "credit", 5, None, for_nothing=True)
        Promo.objects.create(code="SPRING", sort="credits", value=20, limit=2)
        self.buy_now(0, "basic")

    def teardown(self) -> None:
        assert findings() == []
        transaction.set_rollback(True)
        self.undo.close()

    def step(self, broken: bool, act: Callable[[], Any]) -> bool:
        with contextlib.suppress(BrokenOff), transaction.atomic():
            act()
            if broken:
                raise BrokenOff
        return not broken

    def refused(self, act: Callable[[], Any]) -> None:
        with pytest.raises(Problem), transaction.atomic():
            act()

    def account(self, who: int) -> Any:
        return self.people[who].account

    # ── what happens ──────────────────────────────────────────────────────────────────────────

    @rule(days=st.sampled_from([0.3, 1, 7, 16, 31]))
    def time_passes(self, days: float) -> None:
        self.clock.shift(td(days=days))

    @rule(who=PEOPLE, units=st.integers(1, 9), days=st.sampled_from([None, 3]), broken=BROKEN)
    def staff_grant(self, who: int, units: int, days: int | None, broken: bool) -> None:
        end = timezone.now() + td(days=days) if days else None
        key = f"grant:{next(self.numbers)}"
        one = granting.Grant(self.account(who).pk, Kind.CREDIT, units, key, "grant", end)
        if self.step(broken, lambda: granting.grant_many([one, one])):
            self.model.grant(who, "credit", units, end)

    @rule(who=PEOPLE, units=st.integers(1, 9), broken=BROKEN)
    def staff_withdraw(self, who: int, units: int, broken: bool) -> None:
        key = f"withdraw:{next(self.numbers)}"
        act = lambda: ledger.withdraw(self.account(who), units, key=key, reason="test")  # noqa: E731
        if self.model.balance(who)["credit"] < units:
            self.refused(act)
        elif self.step(broken, act):
            self.model.draw(who, "credit", units, key)

    @rule(who=PEOPLE, price=st.sampled_from(PRICES), count=st.integers(1, 4), broken=BROKEN)
    def charge(self, who: int, price: Price, count: int, broken: bool) -> None:
        key = f"test:{next(self.numbers)}:charge"
        act = lambda: ledger.charge(  # noqa: E731
            self.people[who].pk, price, key=key, reason="test", count=count
        )
        kind = self.model.who_pays(who, price, count)
        if kind is None:
            self.refused(act)
        elif self.step(broken, act):
            self.model.draw(who, kind, price.amount(kind, count), key)
            self.charges.append((who, key))

    @precondition(lambda self: self.charges)
    @rule(data=st.data(), broken=BROKEN)
    def refund(self, data: Any, broken: bool) -> None:
        who, key = data.draw(st.sampled_from(self.charges))
        back = key.replace("charge", "refund")
        act = lambda: ledger.refund(self.people[who].pk, key, key=back, reason="test")  # noqa: E731
        if self.step(broken, act):
            self.model.put_back(key)

    def buy_now(self, who: int, code: str, broken: bool = False) -> None:
        payment = payments.open(self.people[who].pk, code, gateway="sandbox", save_method=True)
        sandbox.pay(SandboxPayment.objects.get(order=payment.code))
        product = Product.objects.get(code=code)
        if self.step(broken, lambda: payments.settle(payment)):
            payments.settle(payment)
            self.model.buy(who, product.units, product.days, str(payment.code))

    @rule(who=PEOPLE, broken=BROKEN)
    def buy_a_plan(self, who: int, broken: bool) -> None:
        self.buy_now(who, "basic", broken)

    @rule(who=PEOPLE, broken=BROKEN)
    def buy_a_pack(self, who: int, broken: bool) -> None:
        self.buy_now(who, "pack-100", broken)

    @precondition(lambda self: subscriptions.due(timezone.now() + td(days=31)).exists())
    @rule(broken=BROKEN)
    def renew(self, broken: bool) -> None:
        """Whoever's plan ends next: at that moment."""
        due = subscriptions.due(timezone.now() + td(days=31)).first()
        self.clock.move_to(max(timezone.now(), due.charge_at))
        if self.step(broken, lambda: payments.renew(due)):
            payment = Payment.objects.filter(account=due.account).first()
            who = [user.pk for user in self.people].index(due.account.user_id)
            self.model.buy(who, payment.units, payment.days, str(payment.code))
            assert due not in subscriptions.due(timezone.now())

    @precondition(lambda self: self.model.bought)
    @rule(data=st.data(), broken=BROKEN)
    def give_purchase_back(self, data: Any, broken: bool) -> None:
        code = data.draw(st.sampled_from(list(self.model.bought)))
        payment = Payment.objects.get(code=code)
        act = lambda: payments.refund(payment, None, "test")  # noqa: E731
        if self.model.bought[code] is None:
            self.refused(act)
        elif self.step(broken, act):
            self.model.give_purchase_back(code)

    @rule(friend=PEOPLE, inviter=PEOPLE, broken=BROKEN)
    def invite(self, friend: int, inviter: int, broken: bool) -> None:
        code, counts = self.account(inviter).invite_code, []
        stands = self.step(
            broken, lambda: counts.append(referrals.bind(self.people[friend].pk, code))
        )
        assert counts == [self.model.may_bind(friend, inviter)]
        if stands and counts[0]:
            self.model.bind(friend, inviter)

    @precondition(lambda self: self.model.invited)
    @rule(who=PEOPLE, broken=BROKEN)
    def first_picture(self, who: int, broken: bool) -> None:
        if self.step(broken, lambda: referrals.first_picture(self.people[who].pk)):
            self.model.first_picture(who)

    @rule(who=PEOPLE, broken=BROKEN)
    def promo(self, who: int, broken: bool) -> None:
        act = lambda: promos.redeem(self.account(who), "spring")  # noqa: E731
        if who in self.model.promo or len(self.model.promo) == 2:
            self.refused(act)
        elif self.step(broken, act):
            self.model.promo.add(who)
            self.model.grant(who, "credit", 20, None, for_nothing=True)

    @rule(who=PEOPLE, units=st.integers(1, 9), broken=BROKEN)
    def give(self, who: int, units: int, broken: bool) -> None:
        act = lambda: gifts.give(self.account(who), units)  # noqa: E731
        if self.model.can_give(who) < units:
            self.refused(act)
        elif self.step(broken, act):
            gift = Gift.objects.first()
            self.model.draw(who, "credit", units, gift.charge_key, as_gift=True)
            self.model.gifts[gift.token] = (who, units, gift.expires_at, gift.charge_key)

    @precondition(lambda self: self.model.gifts)
    @rule(who=PEOPLE, data=st.data(), broken=BROKEN)
    def take(self, who: int, data: Any, broken: bool) -> None:
        token = data.draw(st.sampled_from(list(self.model.gifts)))
        giver, units, end, _key = self.model.gifts[token]
        act = lambda: gifts.take(self.account(who), token)  # noqa: E731
        if who == giver or end <= timezone.now():
            self.refused(act)
        elif self.step(broken, act):
            gifts.take(self.account(who), token)
            del self.model.gifts[token]
            self.model.grant(who, "credit", units, None)

    @precondition(lambda self: self.model.gifts)
    @rule(broken=BROKEN)
    def return_gifts(self, broken: bool) -> None:
        if self.step(broken, lambda: gifts.return_unused(timezone.now())):
            self.model.return_gifts()

    # ── what must be true ─────────────────────────────────────────────────────────────────────

    @invariant()
    def every_lot_is_what_the_model_says(self) -> None:
        rows = Lot.objects.order_by("pk").values_list("kind", "granted", "remaining", "expires_at")
        assert list(rows) == [lot.row for lot in self.model.lots]
        assert not unbalanced_lots().exists()

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        for who, user in enumerate(self.people):
            have = ledger.balance(user.pk)
            assert {kind: have.of(kind) for kind in Kind.values} == self.model.balance(who)
            assert have.on_plan == self.model.on_plan(who)


@pytest.mark.django_db
def test_books_equal_their_model(settings: Any) -> None:
    settings.DEBUG = True
    run_state_machine_as_test(Money, settings=HOW)


HOW = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize="MONEY_EXAMPLES" not in os.environ,
    # Shrinking takes minutes; who looks further waits for it.
    phases=list(Phase) if "MONEY_EXAMPLES" in os.environ else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
