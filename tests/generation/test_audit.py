"""The audit of jobs finds each one whose money is not what its end says."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from billing.models import Entry
from generation import studio, worker
from generation.audit import findings
from generation.models import Job, State
from generation.providers.base import ProviderError
from telegram_integration.models import User
from tests.conftest import Obedient

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(person: User, provider: Obedient) -> Job:
    """One picture that was made, one that failed, one that was cancelled, one that waits."""
    made = studio.imagine(person.pk, prompt="a boat", aspect="1:1")
    worker.work()
    provider.answer = ProviderError("broken")
    studio.imagine(person.pk, prompt="a failure", aspect="1:1")
    worker.work()
    studio.cancel(studio.imagine(person.pk, prompt="a whim", aspect="1:1"))
    studio.imagine(person.pk, prompt="a wait", aspect="1:1")
    return made


def test_jobs_that_were_paid_or_given_back_are_fine(job: Job) -> None:
    states = set(Job.objects.values_list("state", flat=True))
    assert states == {State.DONE, State.FAILED, State.CANCELLED, State.QUEUED}
    assert list(findings()) == []


def test_a_picture_without_its_charge_is_found(job: Job) -> None:
    Entry.objects.filter(key=job.charge_key).delete()
    assert list(findings()) == [f"job {job.code}: is done, 1 were due and 0 are paid"]
    with pytest.raises(CommandError):
        call_command("audit_ledger")


def test_a_picture_that_was_given_back_as_well_is_found(job: Job) -> None:
    lot = Entry.objects.get(key=job.charge_key).lot
    Entry.objects.create(lot=lot, delta=1, key=job.refund_key, reason="x")
    assert list(findings()) == [f"job {job.code}: is done, 1 were due and 0 are paid"]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_job_without_its_refund_is_found(job: Job, state: State) -> None:
    lost = Job.objects.get(state=state)
    Entry.objects.filter(key=lost.refund_key).delete()
    assert list(findings()) == [f"job {lost.code}: is {state}, 0 were due and 1 are paid"]
