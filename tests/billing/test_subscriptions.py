"""A plan's time: bought, renewed, cancelled, failed, reminded of, ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from datetime import timedelta as td
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from billing import ledger, subscriptions
from billing.audit import findings
from billing.models import Kind, Notice, Payment, Price, Product, Subscription
from billing.problem import Problem
from telegram_integration.models import User

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = td(days=1)
EDIT = Price(tool="edit", credits=1, actions=1)
TURN = Price(tool="assistant", credits=1, actions=0)


@pytest.fixture(autouse=True)
def at() -> Any:
    """``at(days)`` moves the clock to that day after the start."""
    with time_machine.travel(START, tick=False) as clock:
        yield lambda days: clock.move_to(START + days * DAY)


At = Callable[[float], None]


def buy(user: User, code: str = "basic", **fields: Any) -> Payment:
    """What settling a payment for a plan does."""
    product = Product.objects.get(code=code)
    payment = Payment.objects.create(
        account=user.account, product=product, sort=product.sort, name=product.name,
        units=product.units, days=product.days, price=product.rubles, amount=product.rubles,
        currency="RUB", idempotence_key=f"test:{Payment.objects.count()}",
        **{"gateway": "yookassa", "method": "", "save_method": False} | fields,
    )  # fmt: skip
    end = subscriptions.extend(user.account, payment, now=timezone.now())
    payment.lot = ledger.grant(
        user.account, Kind.PLAN, payment.units, key=f"payment:{payment.code}", source=code,
        expires_at=end,
    )  # fmt: skip
    payment.status, payment.settled_at = "succeeded", timezone.now()
    payment.save()
    return payment


def subscribe(user: User, code: str = "basic") -> Subscription:
    buy(user, code, save_method=True, method="card-1")
    return Subscription.objects.get()


def failed(subscription: Subscription, permanent: bool = False) -> bool:
    """The charge came to nothing; whether it is tried again."""
    return subscriptions.charge_failed(subscription, "insufficient_funds", permanent=permanent)


def told() -> list[tuple[str, str]]:
    """Sort of each notice, and what happened to it."""
    rows = Notice.objects.order_by("pk").values_list("sort", "closed_at")
    return [(sort, "closed" if closed else "open") for sort, closed in rows]


def plan(user: User) -> int:
    return ledger.balance(user.pk).plan


def test_a_plan_runs_thirty_days_to_the_second(person: User, at: At) -> None:
    buy(person)
    at(30 - 1e-6)
    assert (plan(person), ledger.has_plan(person.pk)) == (50, True)
    at(30)
    assert (plan(person), ledger.has_plan(person.pk)) == (0, False)


def test_a_renewal_burns_nothing_and_adds_its_days(person: User, at: At) -> None:
    buy(person)
    ledger.charge(person.pk, EDIT, key="job:1:charge", reason="edit", count=4)
    at(20)
    buy(person)
    assert plan(person) == 96
    at(60 - 1e-6)
    assert plan(person) == 96
    at(60)
    assert plan(person) == 0


def test_a_plan_bought_after_the_end_begins_that_day_and_revives_nothing(
    person: User, at: At
) -> None:
    buy(person)
    at(40)
    buy(person)
    assert plan(person) == 50
    assert Subscription.objects.get().ends_at == START + 70 * DAY


def test_a_plan_whose_actions_are_spent_still_runs(person: User, at: At) -> None:
    buy(person)
    ledger.charge(person.pk, EDIT, key="job:1:charge", reason="edit", count=50)
    assert (plan(person), ledger.has_plan(person.pk)) == (0, True)
    assert ledger.charge(person.pk, TURN, key="job:2:charge", reason="turn").amount == 0
    at(30)
    assert ledger.charge(person.pk, TURN, key="job:3:charge", reason="turn").amount == 1


def test_a_turn_of_the_assistant_is_never_paid_with_free_actions(person: User) -> None:
    for number in range(5):
        ledger.charge(person.pk, TURN, key=f"job:{number}:charge", reason="turn")
    assert ledger.balance(person.pk) == ledger.Balance(credit=0, free=10)
    with pytest.raises(ledger.NotEnough):
        ledger.charge(person.pk, TURN, key="job:5:charge", reason="turn")


def test_a_dearer_plan_is_added_at_once_and_is_what_renews(person: User) -> None:
    subscribe(person)
    buy(person, "pro")
    subscription = Subscription.objects.get()
    assert (plan(person), subscription.product.code) == (200, "pro")
    assert (subscription.renews, subscription.method) == (True, "card-1")
    assert subscription.charge_at == subscription.ends_at == START + 60 * DAY


@pytest.mark.parametrize(
    "fields", [{}, {"save_method": True}, {"method": "card-1"}], ids=["neither", "wish", "method"]
)
def test_only_a_method_saved_with_consent_renews(person: User, fields: dict[str, Any]) -> None:
    buy(person, **fields)
    assert not Subscription.objects.get().renews


def test_a_renewal_is_due_at_the_end_and_not_before(person: User) -> None:
    subscription = subscribe(person)
    assert list(subscriptions.due(START + 29 * DAY)) == []
    assert list(subscriptions.due(START + 30 * DAY)) == [subscription]


def test_a_gateway_that_renews_unasked_is_not_asked(person: User) -> None:
    buy(person, gateway="stars", save_method=True, method="charge-1")
    assert Subscription.objects.get().renews
    assert list(subscriptions.due(START + 99 * DAY)) == []


def test_a_cancelled_plan_runs_to_its_end_and_is_not_charged(person: User, at: At) -> None:
    subscribe(person)
    subscriptions.cancel(person.account)
    assert plan(person) == 50
    assert list(subscriptions.due(START + 99 * DAY)) == []
    at(30)
    assert not ledger.has_plan(person.pk)


def test_a_cancelled_plan_is_resumed_while_it_runs(person: User, at: At) -> None:
    subscription = subscribe(person)
    subscriptions.cancel(person.account)
    assert subscriptions.resume(person.account).renews
    assert list(subscriptions.due(START + 30 * DAY)) == [subscription]
    subscriptions.cancel(person.account)
    at(30)
    with pytest.raises(Problem, match="subscription_ended"):
        subscriptions.resume(person.account)


def test_without_a_saved_method_nothing_is_resumed(person: User) -> None:
    buy(person)
    with pytest.raises(Problem, match="subscription_ended"):
        subscriptions.resume(person.account)


def test_who_has_no_plan_has_none_to_cancel(person: User) -> None:
    with pytest.raises(Problem, match="subscription_none"):
        subscriptions.cancel(person.account)


def test_a_failed_renewal_is_tried_on_days_1_3_and_5_and_then_the_plan_ends(
    person: User, at: At
) -> None:
    subscribe(person)
    for tries, day in enumerate((31, 33, 35), start=1):
        at(day - 1)
        assert failed(Subscription.objects.get())
        subscription = Subscription.objects.get()
        assert (subscription.tries, subscription.charge_at) == (tries, START + day * DAY)
    assert not failed(subscription)
    assert not Subscription.objects.get().renews


def test_in_grace_the_limits_stay_and_the_actions_do_not(person: User, at: At) -> None:
    subscription = subscribe(person)
    failed(subscription)
    at(32)
    assert (plan(person), ledger.has_plan(person.pk)) == (0, True)
    assert not ledger.balance(person.pk).on_plan
    at(35)
    assert not ledger.has_plan(person.pk)


def test_a_renewal_in_grace_begins_on_its_own_day(person: User, at: At) -> None:
    failed(subscribe(person))
    at(31)
    buy(person, purpose="renewal", method="card-1", save_method=True)
    subscription = Subscription.objects.get()
    assert (subscription.ends_at, subscription.tries) == (START + 61 * DAY, 0)
    assert subscription.charge_at == subscription.ends_at


def test_a_failure_told_twice_counts_once(person: User) -> None:
    subscription = subscribe(person)
    assert failed(subscription)
    assert not failed(subscription)
    assert Subscription.objects.get().tries == 1


def test_a_method_that_is_gone_is_not_tried_again(person: User, at: At) -> None:
    assert not failed(subscribe(person), permanent=True)
    subscription = Subscription.objects.get()
    assert (subscription.renews, subscription.method, subscription.charge_at) == (False, "", None)
    at(30)
    assert not ledger.has_plan(person.pk)


def test_the_end_is_reminded_of_three_days_and_one_day_before_once_each(person: User) -> None:
    subscribe(person)
    seen = []
    for hours in range(26 * 24, 31 * 24, 6):
        before = Notice.objects.count()
        subscriptions.remind(START + td(hours=hours))
        seen += [hours / 24] * (Notice.objects.count() - before)
    assert seen == [27, 29]
    assert told() == [("plan_renews", "open")] * 2
    assert Notice.objects.last().data == {
        "product": "basic", "name": "Basic", "at": (START + 30 * DAY).isoformat(),
        "price": "299.00", "currency": "RUB",
    }  # fmt: skip


def test_who_is_late_for_the_first_reminder_gets_only_the_second(person: User) -> None:
    buy(person)
    subscriptions.remind(START + 29.5 * DAY)
    subscriptions.remind(START + 29.6 * DAY)
    assert told() == [("plan_ends", "open")]


def test_a_renewed_plan_is_reminded_of_anew_and_the_old_reminder_is_closed(
    person: User, at: At
) -> None:
    buy(person)
    subscriptions.remind(START + 28 * DAY)
    at(28)
    buy(person)
    subscriptions.remind(START + 29 * DAY)
    assert told() == [("plan_ends", "closed")]
    subscriptions.remind(START + 58 * DAY)
    assert told() == [("plan_ends", "closed"), ("plan_ends", "open")]


def test_each_failed_renewal_is_told_and_so_is_the_end_of_it(person: User, at: At) -> None:
    subscribe(person)
    for day in (30, 31, 33, 35):
        at(day)
        failed(Subscription.objects.get())
    assert told() == [("renewal_failed", "open")] * 3 + [("renewal_over", "open")]
    first = Notice.objects.order_by("pk")[0].data
    assert (first["reason"], first["at"]) == ("insufficient_funds", (START + 31 * DAY).isoformat())


def test_news_of_a_plan_that_was_cancelled_are_closed(person: User, at: At) -> None:
    failed(subscribe(person))
    subscriptions.cancel(person.account)
    assert told() == [("renewal_failed", "closed")]


def test_a_plan_given_back_ends_and_leaves_an_earlier_one_its_actions(person: User, at: At) -> None:
    buy(person)
    at(10)
    second = buy(person, "pro", save_method=True, method="card-1")
    ledger.take_back(second.lot, key="refund:1:take", reason="refund")
    subscriptions.undo(person.account, second, now=timezone.now())
    assert plan(person) == 50
    assert Subscription.objects.get().ends_at == START + 60 * DAY


def test_the_only_plan_given_back_leaves_no_plan_and_no_renewal(person: User, at: At) -> None:
    subscribe(person)
    at(10)
    payment = Payment.objects.get()
    ledger.take_back(payment.lot, key="refund:1:take", reason="refund")
    subscriptions.undo(person.account, payment, now=timezone.now())
    assert (plan(person), ledger.has_plan(person.pk)) == (0, False)
    assert not Subscription.objects.get().renews
    assert findings() == []
