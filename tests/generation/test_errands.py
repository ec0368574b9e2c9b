"""A request that could not be paid waits, and goes on by itself when it is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from billing import ledger
from billing.models import Entry, Kind, Payment, Product
from generation import errands, tasks
from generation.models import Errand, Job, Photo
from telegram_integration.models import User
from tests.conftest import Obedient

pytestmark = pytest.mark.django_db


def spend_all(user: User) -> None:
    for lot in user.account.lots.all():
        lot.entries.create(delta=-lot.remaining, key=f"test:{lot.pk}", reason="test")
        lot.remaining = 0
        lot.save()
    ledger.grant(user.account, Kind.FREE, 1, key="used up", source="free",
                 expires_at=timezone.now() + ledger.FREE_PERIOD)  # fmt: skip
    user.account.lots.filter(key="used up").update(remaining=0)


def give(user: User, units: int) -> object:
    return ledger.grant(user.account, Kind.CREDIT, units, key=f"give:{units}", source="test")


def pay(user: User, errand: Errand) -> Payment:
    product = Product.objects.get(code="pack-100")
    return Payment.objects.create(
        account=user.account, gateway="sandbox", idempotence_key=str(errand.code), units=100,
        product=product, sort=product.sort, name=product.name, price=product.rubles,
        amount=Decimal(199), currency="RUB", errand=errand.code, status="succeeded",
        lot=give(user, 100), settled_at=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def errand(person: User, api: APIClient, provider: Obedient) -> Errand:
    spend_all(person)
    request = {"tool": "imagine", "prompt": "a sea", "count": 2}
    assert api.post("/api/v1/jobs/", request, format="json").status_code == 402
    answer = api.post("/api/v1/errands/", request, format="json")
    assert answer.status_code == 201
    return Errand.objects.get(code=answer.data["code"])


def test_it_runs_when_its_payment_is_made(person: User, api: APIClient, errand: Errand) -> None:
    pay(person, errand)
    tasks.run_errands()
    shown = api.get(f"/api/v1/errands/{errand.code}/").data
    assert shown["job"] == Job.objects.get().code
    assert ledger.balance(person.pk).credit == 98


def test_the_sweep_runs_it_when_no_bell_is_heard(person: User, errand: Errand) -> None:
    pay(person, errand)
    tasks.sweep()
    assert Job.objects.get().count == 2


def test_run_twice_it_is_one_job(person: User, errand: Errand) -> None:
    pay(person, errand)
    errands.run(errand)
    errands.run(Errand.objects.get())
    Errand.objects.update(ended_at=None)  # died between the job and the note of it
    errands.run_paid()
    assert Job.objects.count() == 1
    assert Entry.objects.filter(key__endswith=":charge").count() == 1


def test_unpaid_it_waits(person: User, errand: Errand) -> None:
    errands.run_paid()
    errands.run(errand)
    errand.refresh_from_db()
    assert (errand.ended_at, Job.objects.count()) == (None, 0)


def test_money_from_elsewhere_lets_it_run_too(person: User, api: APIClient, errand: Errand) -> None:
    give(person, 2)
    answer = api.post(f"/api/v1/errands/{errand.code}/run/")
    assert answer.data["job"] == Job.objects.get().code


def test_what_cannot_be_done_any_more_says_why(
    person: User, api: APIClient, errand: Errand, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    Errand.objects.update(request={"tool": "edit", "base": str(photo.code), "prompt": "warmer"})
    Photo.objects.update(deleted_at=timezone.now())
    pay(person, errand)
    errands.run_paid()
    shown = api.get(f"/api/v1/errands/{errand.code}/").data
    assert (shown["job"], shown["error"]["code"]) == (None, "photo_unknown")
    assert ledger.balance(person.pk).credit == 100


def test_a_strangers_errand_is_not_there(
    stranger: User, errand: Errand, signed_in: Callable[..., object]
) -> None:
    client = signed_in(stranger)
    assert client.get(f"/api/v1/errands/{errand.code}/").status_code == 404
    assert client.post(f"/api/v1/errands/{errand.code}/run/").status_code == 404


def test_a_request_that_makes_no_sense_is_not_kept(api: APIClient) -> None:
    answer = api.post("/api/v1/errands/", {"tool": "imagine"}, format="json")
    assert (answer.status_code, Errand.objects.count()) == (400, 0)
