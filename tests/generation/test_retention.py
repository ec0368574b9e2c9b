"""How long photos, pictures and words are kept, with a clock that is moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from aibot.metrics.retention import overdue
from billing.models import Product, Subscription
from generation import audit, errands, orphans, photos, retention, studio, worker
from generation.models import Attempt, Draft, Errand, Job, Message, Photo
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]

DAY, MONTH = td(hours=24), td(days=30)
MINUTES = td(minutes=2)


def later(by: td) -> Any:
    return time_machine.travel(timezone.now() + by, tick=False)


def made(user: User, prompt: str = "a fox") -> Photo:
    job = studio.imagine(user.pk, prompt=prompt)
    worker.work()
    return Photo.objects.get(job=job)


def is_there(photo: Photo) -> bool:
    photo.refresh_from_db()
    return photo.deleted_at is None


def give_plan(user: User, ends: Any) -> None:
    Subscription.objects.create(
        account=user.account, product=Product.objects.filter(days__gt=0).first(),
        gateway="sandbox", started_at=ends - td(days=365), ends_at=ends,
    )  # fmt: skip


def test_a_photo_that_was_sent_goes_after_a_day(
    person: User, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    with later(DAY - MINUTES):
        retention.forget_due()
    assert is_there(photo)
    with later(DAY + MINUTES):
        retention.forget_due()
    assert not is_there(photo)
    assert (photo.master, photo.thumb, photo.placeholder) == ("", "", "")


def test_its_files_are_gone_from_the_storage(person: User, photo_of: Callable[..., Photo]) -> None:
    photo = photo_of(person)
    names = (photo.master, photo.thumb)
    assert all(default_storage.exists(name) for name in names)
    with later(DAY + MINUTES):
        retention.forget_due()
    assert not any(default_storage.exists(name) for name in names)


def test_a_photo_that_is_sent_again_is_kept_from_then_on(person: User) -> None:
    photo = photos.ingest(person.pk, picture_file())
    with later(td(hours=23)):
        assert photos.ingest(person.pk, picture_file()) == photo
    with later(DAY + MINUTES):
        retention.forget_due()
    assert is_there(photo)


def test_a_photo_of_an_open_job_is_spared_until_it_ends(
    person: User, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    with later(DAY - MINUTES):
        job = studio.edit(person.pk, base=photo, prompt="brighter")
    with later(DAY + MINUTES):
        retention.forget_due()
        assert is_there(photo)
        assert retention.overdue(timezone.now())["photos"] == (0, 0)
        worker.work()
        retention.forget_due()
    assert not is_there(photo)
    assert Job.objects.get(pk=job.pk).state == "done"


def test_a_picture_goes_after_thirty_days(person: User) -> None:
    picture = made(person)
    with later(MONTH - MINUTES):
        retention.forget_due()
    assert is_there(picture)
    with later(MONTH + MINUTES):
        retention.forget_due()
    assert not is_there(picture)


def test_a_favourite_stays(person: User) -> None:
    photos.favour(picture := made(person))
    with later(td(days=4000)):
        retention.forget_due()
    assert is_there(picture)
    assert Job.objects.get().prompt == "a fox"


def test_a_favourite_that_is_none_any_more_stays_for_another_day(person: User) -> None:
    photos.favour(picture := made(person))
    with later(td(days=90)):
        photos.unfavour(picture)
    with later(td(days=91) - MINUTES):
        retention.forget_due()
    assert is_there(picture)
    with later(td(days=91) + MINUTES):
        retention.forget_due()
    assert not is_there(picture)


def test_what_people_send_cannot_be_a_favourite(
    api: APIClient, person: User, photo_of: Callable[..., Photo]
) -> None:
    address = f"/api/v1/photos/{photo_of(person).code}/"
    answer = api.patch(address, {"favourite": True}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "kept_a_day")


def test_a_plan_keeps_pictures_for_a_year(person: User) -> None:
    picture = made(person)
    give_plan(person, timezone.now() + td(days=1000))
    with later(td(days=364)):
        retention.forget_due()
    assert is_there(picture)
    assert picture.kept_until == picture.created_at + td(days=365)
    with later(td(days=366)):
        retention.forget_due()
    assert not is_there(picture)


def test_when_a_plan_has_ended_thirty_days_are_left(person: User) -> None:
    picture = made(person)
    give_plan(person, timezone.now() + td(days=100))
    with later(td(days=129)):
        retention.forget_due()
    assert is_there(picture)
    with later(td(days=131)):
        retention.forget_due()
    assert not is_there(picture)


@pytest.mark.parametrize(
    ("plan_ends", "kept"), [(None, 30), (-40, 30), (-10, 30), (10, 40), (334, 364), (900, 365)]
)
def test_how_many_days_a_picture_is_kept(plan_ends: int | None, kept: int) -> None:
    now = timezone.now()
    ends = None if plan_ends is None else now + td(days=plan_ends)
    assert retention.result_until(now, ends) == now + td(days=kept)


def test_words_go_with_the_last_picture(person: User) -> None:
    picture = made(person)
    with later(MONTH + MINUTES):
        retention.forget_due()
    job = Job.objects.get(pk=picture.job_id)
    assert (job.prompt, job.words_are_gone, job.state) == ("", True, "done")


def test_words_of_a_failure_go_too_and_cannot_be_tried_again(
    api: APIClient, person: User, provider: Obedient
) -> None:
    provider.answer = RuntimeError("no")
    job = studio.imagine(person.pk, prompt="a fox")
    for _attempt in range(3):
        worker.work()
    with later(MONTH + MINUTES):
        retention.forget_due()
        answer = api.post(f"/api/v1/jobs/{job.code}/retry/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "words_gone")
    assert not Attempt.objects.exclude(detail="").exists()


def talk(user: User, photo: Photo, settings: Any) -> Job:
    settings.PROVIDER = "local"
    job = studio.converse(user.pk, photo=photo, message="make it brighter")
    worker.work()
    return job


def test_a_conversation_is_forgotten_and_its_books_still_agree(
    person: User, photo_of: Callable[..., Photo], settings: Any
) -> None:
    job = talk(person, photo_of(person), settings)
    assert Message.objects.filter(job=job).exclude(text="").count() == 2
    with later(MONTH + MINUTES):
        retention.forget_due()
    assert set(Message.objects.values_list("text", flat=True)) == {""}
    assert not any(Message.objects.values_list("prompts", flat=True))
    assert list(audit.findings()) == []


def test_a_conversation_about_a_favourite_stays(person: User, settings: Any) -> None:
    photos.favour(picture := made(person))
    talk(person, picture, settings)
    with later(MONTH + MINUTES):
        retention.forget_due()
    assert Message.objects.exclude(text="").count() == 2


def test_rows_of_older_code_are_dated_and_then_deleted(
    person: User, photo_of: Callable[..., Photo]
) -> None:
    photo, picture = photo_of(person), made(person)
    Photo.objects.update(kept_until=None)
    Job.objects.update(words_until=None)
    retention.forget_due()
    assert (is_there(photo), photo.kept_until) == (True, photo.created_at + DAY)
    assert (is_there(picture), picture.kept_until) == (True, picture.created_at + MONTH)
    assert Job.objects.get().words_until


def test_a_death_between_row_and_file_is_made_good(
    person: User, photo_of: Callable[..., Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_of(person)
    name = photo.master
    with later(DAY + MINUTES), monkeypatch.context() as death:
        death.setattr(photos, "remove", lambda _names: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retention.forget_due()
    assert not is_there(photo)
    assert default_storage.exists(name)
    assert retention.overdue(timezone.now() + DAY * 2)["files"][0] == 1
    retention.forget_due()
    assert not default_storage.exists(name)
    assert retention.overdue(timezone.now() + DAY * 2)["files"] == (0, 0)


def test_a_batch_is_not_all(
    person: User, photo_of: Callable[..., Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for colour in ("teal", "red", "gold", "navy", "pink"):
        photo_of(person, colour)
    with later(DAY + MINUTES):
        retention.forget_due()
    assert not Photo.objects.filter(deleted_at=None).exists()


def test_how_late_deletion_is_can_be_read(person: User, photo_of: Callable[..., Photo]) -> None:
    photo_of(person)
    with later(DAY + td(minutes=7)):
        assert told("photos") == [1, pytest.approx(420, abs=1)]
        retention.forget_due()
        assert told("photos") == [0, 0]


def told(what: str) -> list[float]:
    """As Prometheus is told."""
    families = list(overdue())
    assert [family.name for family in families] == [
        "studio_retention_overdue", "studio_retention_oldest_overdue_seconds",
    ]  # fmt: skip
    return [
        sample.value for family in families for sample in family.samples
        if sample.labels["what"] == what
    ]  # fmt: skip


def test_a_draft_loses_the_photo_and_the_wizard_asks_anew(
    person: User, photo_of: Callable[..., Photo], signed_in: Callable[[User], Client]
) -> None:
    Draft.objects.create(owner=person, person=photo_of(person), zone="head")
    with later(DAY + MINUTES):
        retention.forget_due()
        page = signed_in(person).get("/try-on/")
    assert Draft.objects.get().person is None
    assert page.status_code == 200


def test_a_photo_that_is_gone_says_so_where_it_was(
    person: User, photo_of: Callable[..., Photo], signed_in: Callable[[User], Client]
) -> None:
    photo = photo_of(person)
    with later(DAY + MINUTES):
        retention.forget_due()
        client = signed_in(person)
        pages = [client.get(f"/pictures/{photo.code}/"), client.get(f"/edit/?photo={photo.code}")]
    assert [page.status_code for page in pages] == [410, 410]
    assert all("deleted after 24 hours" in page.content.decode() for page in pages)


def test_a_picture_says_until_when_it_is_kept_and_that_its_photo_is_gone(
    person: User, photo_of: Callable[..., Photo], signed_in: Callable[[User], Client]
) -> None:
    studio.edit(person.pk, base=photo_of(person), prompt="brighter")
    worker.work()
    picture = Photo.objects.exclude(job=None).get()
    with later(DAY + MINUTES):
        retention.forget_due()
        page = signed_in(person).get(f"/pictures/{picture.code}/").content.decode()
        editor = signed_in(person).get(f"/edit/?photo={picture.code}").content.decode()
    assert retention.kept_until(picture).isoformat() in page
    assert "photos that you send are deleted after 24 hours" in page
    assert "The first photo is gone" in editor


def test_old_errands_drafts_and_orders_go(person: User) -> None:
    made(person)
    errands.keep(person.pk, {"tool": "imagine", "prompt": "a fox"})
    Draft.objects.create(owner=person)
    with later(td(days=91)):
        retention.forget_due()
    assert not Errand.objects.exists()
    assert not Draft.objects.exists()
    assert not Attempt.objects.exclude(ended_at=None).exists()


def test_a_file_without_a_row_goes_and_no_other(
    person: User, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    left = default_storage.save(f"{photo.master[:2]}/left.jpg", default_storage.open(photo.master))
    assert orphans.remove_from(photo.master[:2], timezone.now()) == 0
    assert orphans.remove_from(photo.master[:2], timezone.now() + td(hours=2)) == 1
    assert not default_storage.exists(left)
    assert default_storage.exists(photo.master)


def test_every_folder_has_its_turn_within_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    monkeypatch.setattr(orphans, "remove_from", lambda folder, _now: seen.add(folder))
    now = timezone.now()
    for turn in range(int(DAY / orphans.EVERY)):
        orphans.remove_some(now + turn * orphans.EVERY)
    assert seen == {f"{n:02x}" for n in range(256)}
