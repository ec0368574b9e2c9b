"""Every page of the admin opens, for every model, with rows in it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import gifts, ledger, notices, notifications, payments, standing
from billing.models import Audit, Entry, Notice, Promo, Referral, Subscription
from generation import errands, photos, prompts, queue, studio, tasks, worker
from generation.models import Alert, Draft, Job, Prompt, ProviderSetting, Route
from telegram_integration import saying
from telegram_integration.models import (
    ApiKey,
    Broadcast,
    ChatJob,
    Incoming,
    Lease,
    Login,
    Talk,
    UsedInitData,
    User,
)
from tests.billing.buying import as_if_bought, buy
from tests.conftest import Obedient, make_person, picture_file

pytestmark = pytest.mark.django_db

OURS = [model for app in ("billing", "generation", "telegram_integration")
        for model in apps.get_app_config(app).get_models()]  # fmt: skip


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    return client


def shop_rows(person: User) -> None:
    """At least one row of everything that has to do with money."""
    friend = make_person("zoe")
    friends = {"inviter": person.account, "friend": friend.account}
    Referral.objects.create(**friends, suspicion="fresh_ring")
    as_if_bought(person)
    gifts.give(person.account, 1, words="<script>alert(1)</script>")
    promo = Promo.objects.create(code="HALF", sort="percent", value=50)
    payment = buy(person, "pro", save_method=True, promo=promo.code)
    payments.refund(payment, Decimal(1), "<script>alert(1)</script>")
    notifications.hear("yookassa", "payment.succeeded", "<script>alert(1)</script>", "127.0.0.1")
    standing.begin(Subscription(account=person.account, gateway="stars", method="stx1"))
    data = {"product": "pro", "name": "<script>alert(1)</script>", "at": "2026-12-05T10:00:00Z"}
    notices.note(person.account.pk, Notice.Sort.PLAN_ENDS, key="one", **data, currency="RUB")
    Audit.objects.create(sort=Audit.Sort.LEDGER, findings=["<script>alert(1)</script>"])


def chat_rows(person: User, job: Job) -> None:
    """At least one row of everything that is said in the chat."""
    said = saying.say(5, "<script>alert(1)</script>", key="one", job=job)
    ChatJob.objects.create(job=job, chat_id=5, message=said, shown="<script>alert(1)</script>")
    Talk.objects.create(user=person, chat_id=5, words="<script>alert(1)</script>")
    Broadcast.objects.create(text_en="<script>alert(1)</script>", author=person)
    Incoming.objects.create(update_id=1, telegram_id=5, data={"x": "<script>alert(1)</script>"})
    Login.objects.create(nonce="x" * 32, browser="x", user=person)
    Lease.objects.create(name="bot:1", holder="here:1", until=timezone.now())


@pytest.fixture
def rows(person: User, provider: Obedient, settings: Any) -> Job:
    """At least one row of everything."""
    settings.DEBUG = True
    photo = photos.ingest(person.pk, picture_file())
    job = studio.edit(person.pk, base=photo, prompt="<script>alert(1)</script>")
    worker.work()
    Draft.objects.create(owner=person, person=photo)
    studio.converse(person.pk, photo=photo, message="warmer")
    prompts.write("head", "A hat, please.")
    errands.keep(person.pk, {"tool": "imagine", "prompt": "a sea"})
    Alert.objects.create(key="provider:kie:no_credits", text="Top it up.")
    UsedInitData.objects.create(user=person, digest="x")
    ApiKey.make(person, "laptop")
    assert ProviderSetting.objects.exists()
    assert Route.objects.exists()
    shop_rows(person)
    chat_rows(person, job)
    tasks.canary.apply()
    Group.objects.create(name="support")
    job.refresh_from_db()
    return job


def test_every_model_of_ours_is_registered() -> None:
    assert [model for model in OURS if not admin.site.is_registered(model)] == []


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_list_search_and_row_open(
    staff: Client, rows: Job, model: type, django_assert_max_num_queries: Callable[..., object]
) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    with django_assert_max_num_queries(12):
        assert staff.get(address).status_code == 200
    assert staff.get(address, {"q": "ann"}).status_code == 200
    row = model._default_manager.first()
    assert row is not None
    change = address + f"{row.pk}/change/"
    answer = staff.get(change)
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_staff_see_a_jobs_photos_and_its_charge(staff: Client, rows: Job) -> None:
    page = staff.get(reverse("admin:generation_job_change", args=[rows.pk])).content.decode()
    assert rows.charge_key in page
    assert str(rows.results.get().code) in page
    assert str(rows.inputs.get().photo.code) in page


@pytest.mark.parametrize("name", ["account", "lot", "entry"])
def test_money_cannot_be_edited(staff: Client, rows: Job, name: str) -> None:
    assert staff.get(reverse(f"admin:billing_{name}_add")).status_code == 403
    row = apps.get_model("billing", name).objects.first()
    for act in ("change", "delete"):
        address = reverse(f"admin:billing_{name}_{act}", args=[row.pk])
        assert staff.post(address, {"delta": 99, "remaining": 99}).status_code == 403


def test_staff_stop_a_job_and_everything_goes_back(
    staff: Client, person: User, provider: Obedient
) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    queue.claim()
    address = reverse("admin:generation_job_changelist")
    staff.post(address, {"action": "stop", "_selected_action": [job.pk]})
    assert Job.objects.get().state == "cancelled"
    assert ledger.balance(person.pk).credit == 5
    assert Entry.objects.filter(key=job.refund_key).exists()


def test_staff_edit_and_reset_a_prompt(staff: Client) -> None:
    staff.post(reverse("admin:generation_prompt_edit", args=["head"]), {"text": "A hat, please."})
    version = Prompt.objects.get()
    assert (version.author.username, version.text) == ("staff", "A hat, please.")
    assert prompts.current("head") == (1, "A hat, please.")
    staff.post(reverse("admin:generation_prompt_reset", args=["head"]))
    assert prompts.current("head") == (2, prompts.DEFAULTS["head"])


def test_staff_see_what_a_provider_would_be_sent(staff: Client) -> None:
    typed = {"text": "A hat, please.", "_preview": "Preview"}
    page = staff.post(reverse("admin:generation_prompt_edit", args=["head"]), typed)
    assert "A hat, please." in page.content.decode().partition('id="preview"')[2]
    assert not Prompt.objects.exists()


def test_people_do_not_get_in(client: Client, person: User) -> None:
    client.force_login(person)
    assert client.get("/admin/").status_code == 302
