"""Rotate, crop, resize: free, exact, and one more picture of its owner."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta as td
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from PIL import Image, ImageChops
from rest_framework.test import APIClient

from billing import ledger
from billing.audit import findings
from billing.problem import Problem
from generation import lineage, photos, queue, retention, studio, watermark, worker
from generation.lineage import how
from generation.models import Input, Job, Photo
from generation.reshaping import Change, reshape
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = pytest.mark.django_db
PhotoOf = Callable[..., Photo]


@pytest.fixture
def photo(person: User) -> Photo:
    """300 × 400, and each quarter of it another colour."""
    return photos.ingest(person.pk, quarters((300, 400)))


def quarters(size: tuple[int, int], kind: str = "PNG") -> bytes:
    picture = Image.new("RGB", size, "red")
    across, down = size[0] // 2, size[1] // 2
    picture.paste("lime", (across, 0, size[0], down))
    picture.paste("blue", (0, down, across, size[1]))
    picture.paste("white", (across, down, *size))
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def colours(photo: Photo) -> str:
    """The four quarters from left to right and down, by their first letters."""
    picture = photos.opened(photo).convert("RGB")
    spots = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    seen = [picture.getpixel((int(x * photo.width), int(y * photo.height))) for x, y in spots]
    names = {(1, 0, 0): "r", (0, 1, 0): "l", (0, 0, 1): "b", (1, 1, 1): "w"}
    return "".join(names[tuple(int(part > 128) for part in one)] for one in seen)


@pytest.mark.parametrize(
    ("change", "seen", "size"),
    [
        (Change(degrees=90), "brwl", (400, 300)),
        (Change(degrees=180), "wblr", (300, 400)),
        (Change(degrees=270), "lwrb", (400, 300)),
        (Change(mirror=True), "lrwb", (300, 400)),
        (Change(mirror=True, degrees=90), "wlbr", (400, 300)),
        (Change(box=(0, 0, 0.5, 0.5)), "rrrr", (150, 200)),
        (Change(degrees=90, box=(0.5, 0, 0.5, 1)), "rrll", (200, 300)),
        (Change(aspect="1:1"), "rlbw", (300, 300)),
        (Change(side=200), "rlbw", (150, 200)),
        (Change(side=800, enlarge=True), "rlbw", (600, 800)),
        (Change(aspect="16:9", side=80), "rlbw", (80, 45)),
    ],
)
def test_each_change_is_exact(
    photo: Photo, change: Change, seen: str, size: tuple[int, int]
) -> None:
    made = reshape(photo, change)
    assert (made.width, made.height) == size == photos.opened(made).size
    assert colours(made) == seen


def test_a_shape_is_cut_nearer_to_the_top_where_heads_are(photo: Photo) -> None:
    square = photos.opened(reshape(photo, Change(aspect="1:1"))).convert("RGB")
    assert square.getpixel((10, 160))[0] > 200  # 33 of the 100 rows that go are above
    assert square.getpixel((10, 174))[2] > 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change(), "nothing_to_change"),
        (Change(box=(0, 0, 1, 1)), "nothing_to_change"),
        (Change(side=400), "nothing_to_change"),
        (Change(box=(0, 0, 0.2, 1)), "cut_too_small"),
        (Change(side=500), "larger_than_it_is"),
        (Change(box=(0, 0, 0.22, 1), side=64), "too_thin"),
    ],
)
def test_what_would_come_to_nothing_is_refused_in_words(
    photo: Photo, change: Change, code: str
) -> None:
    with pytest.raises(Problem, match=code) as refused:
        reshape(photo, change)
    assert str(refused.value.message).endswith(".")
    assert Photo.objects.count() == 1


def test_it_is_a_picture_of_the_owner_with_its_lineage_and_costs_nothing(photo: Photo) -> None:
    before = ledger.balance(photo.owner_id)
    made = reshape(photo, Change(degrees=90, side=200))
    assert (made.owner, made.parent, made.root, made.job) == (photo.owner, photo, photo, None)
    assert made.recipe == {"degrees": 90, "side": 200}
    assert how(made) == "Rotated, resized"
    assert list(Photo.objects.made()) == [made]
    assert list(Photo.objects.sent()) == [photo]
    assert (ledger.balance(photo.owner_id), Job.objects.count()) == (before, 0)


def test_the_same_twice_is_one_picture_and_after_deleting_a_new_one(photo: Photo) -> None:
    made = reshape(photo, Change(degrees=90))
    assert reshape(photo, Change(degrees=90)) == made
    photos.forget(made)
    again = reshape(photo, Change(degrees=90))
    assert again != made
    assert colours(again) == "brwl"


def test_two_at_once_make_one(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reshape(photo, Change(degrees=90))
    monkeypatch.setattr(lineage, "known", lambda *_: None)
    assert reshape(photo, Change(degrees=90)) == made


def test_transparency_stays(person: User) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (100, 200), (255, 0, 0, 90)).save(out, "PNG")
    made = reshape(photos.ingest(person.pk, out.getvalue()), Change(degrees=90))
    assert (made.mime, photos.opened(made).getpixel((50, 50))[3]) == ("image/png", 90)


def test_a_picture_has_a_job_or_a_parent_and_never_both(photo: Photo, person: User) -> None:
    made = reshape(photo, Change(degrees=90))
    job = studio.imagine(person.pk, prompt="a lake")
    with pytest.raises(IntegrityError, match="photo_made_in_one_way"):
        Photo.objects.filter(pk=made.pk).update(job=job)


# ── how long it is kept ──────────────────────────────────────────────────────────────────────────


def test_it_is_kept_like_a_result_when_its_parent_is_gone(photo: Photo) -> None:
    made = reshape(photo, Change(degrees=90))
    assert made.kept_until - photo.kept_until > td(days=28)
    Photo.objects.filter(pk=photo.pk).update(kept_until=timezone.now())
    retention.forget_due()
    left = Photo.objects.filter(deleted_at=None)
    assert list(left) == [made]
    Photo.objects.update(kept_until=timezone.now())
    retention.forget_due()
    assert not left.all().exists()


def test_a_favourite_is_kept_for_good(api: APIClient, photo: Photo) -> None:
    made = reshape(photo, Change(degrees=90))
    answer = api.patch(f"/api/v1/photos/{made.code}/", {"favourite": True}, format="json")
    assert answer.status_code == 200
    Photo.objects.update(kept_until=timezone.now())
    retention.forget_due()
    assert list(Photo.objects.filter(deleted_at=None)) == [made]


def test_made_again_it_is_kept_as_long_as_a_new_one(photo: Photo) -> None:
    made = reshape(photo, Change(degrees=90))
    Photo.objects.filter(pk=made.pk).update(kept_until=timezone.now() + td(hours=1))
    again = reshape(photo, Change(degrees=90))
    assert again == made
    assert again.kept_until - timezone.now() > td(days=29)


# ── the mark of free actions ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def result(person: User, provider: Obedient, photo_of: PhotoOf) -> Photo:
    """An edit that was paid with a free action."""
    ledger.withdraw(person.account, 5, key="test", reason="test")
    job = studio.edit(person.pk, base=photo_of(person), prompt="warmer")
    worker.make(queue.claim())
    return Photo.objects.get(job=job)


def test_a_part_of_a_marked_picture_is_marked_again(result: Photo) -> None:
    box = (0.0, 0.02, 0.7, 0.25)
    assert result.is_marked
    made = reshape(result, Change(box=box))
    plain = photos.opened(result).crop((0, 8, 224, 108))
    corner = (100, 70, 224, 100)
    difference = ImageChops.difference(photos.opened(made).crop(corner), plain.crop(corner))
    assert max(top for _low, top in difference.getextrema()) > 60
    assert made.is_marked


def test_the_mark_goes_on_from_part_to_part(result: Photo) -> None:
    first = reshape(result, Change(box=(0, 0, 0.8, 0.8)))
    assert reshape(first, Change(box=(0, 0, 0.8, 0.8))).is_marked


def test_what_was_never_marked_is_not_marked(photo: Photo) -> None:
    made = reshape(photo, Change(box=(0, 0, 0.4, 0.4)))
    low_and_high = photos.opened(made).getextrema()
    assert not made.is_marked
    assert all(high - low < 9 for low, high in low_and_high)


@pytest.mark.parametrize("size", [(64, 64), (64, 400), (2048, 64), (900, 1200)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_mark_fits_into_any_part(size: tuple[int, int], mode: str) -> None:
    signed = watermark.sign(Image.new(mode, size, "teal"))
    assert (signed.size, signed.mode) == (size, mode)
    changed = ImageChops.difference(signed, Image.new(mode, size, "teal")).convert("RGB").getbbox()
    assert changed is not None
    assert changed[0] > 0 or size[0] == 64


# ── by words ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "price"),
    [
        ("rotate left", 0),
        ("crop to a square and mirror it", 0),
        ("поверни направо", 0),
        ("обрежь до 3:4, пожалуйста", 0),
        ("rotate left and make it brighter", 1),
        ("crop to a square, black and white", 1),
        ("twice as large", 1),
    ],
)
def test_an_edit_that_only_turns_and_crops_is_free(photo: Photo, words: str, price: int) -> None:
    job = studio.edit(photo.owner_id, base=photo, prompt=words)
    assert (job.price_unit, job.price_amount) == ("credit", price)
    assert ledger.balance(photo.owner_id).credit == 5 - price


def test_a_free_edit_needs_no_money_and_the_books_agree(photo: Photo, person: User) -> None:
    ledger.withdraw(person.account, 5, key="test", reason="test")
    job = studio.edit(person.pk, base=photo, prompt="rotate right")
    worker.make(queue.claim())
    job.refresh_from_db()
    assert (job.state, colours(job.results.get())) == ("done", "brwl")
    assert not job.watermark
    assert ledger.balance(person.pk).free == 10
    assert list(findings()) == []


def test_who_sends_it_elsewhere_takes_the_price_of_an_edit(
    photo: Photo, provider: Obedient
) -> None:
    assert studio.edit(photo.owner_id, base=photo, prompt="rotate left").price_amount == 1


def test_the_mark_cannot_be_cropped_away_by_words(result: Photo, settings: Any) -> None:
    settings.PROVIDER = ""
    job = studio.edit(result.owner_id, base=result, prompt="crop to a square")
    worker.make(queue.claim())
    made = job.results.get()
    assert (job.price_amount, made.is_marked) == (0, True)
    corner = photos.opened(made).crop((made.width // 2, made.height - 30, made.width, made.height))
    assert corner.getextrema()[2][1] > 180  # bright only in the corner, elsewhere faint


# ── the API ──────────────────────────────────────────────────────────────────────────────────────


def test_the_api_makes_a_picture(api: APIClient, photo: Photo) -> None:
    wish = {"degrees": 90, "box": [0, 0, 0.5, 1], "side": 150}
    answer = api.post(f"/api/v1/photos/{photo.code}/reshape/", wish, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["parent"], made["width"], made["height"]) == (str(photo.code), 100, 150)
    assert made["recipe"] == wish
    listed = api.get("/api/v1/photos/?kind=result").json()["results"]
    assert [one["code"] for one in listed] == [made["code"]]
    assert len(api.get("/api/v1/photos/?kind=upload").json()["results"]) == 1


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"degrees": 45}, "degrees"),
        ({"box": [0.5, 0, 0.6, 1]}, "box"),
        ({"box": [0, 0, "x", 1]}, "box"),
        ({"aspect": "2:1"}, "aspect"),
        ({"aspect": "auto"}, "aspect"),
        ({"aspect": "1:1", "box": [0, 0, 0.5, 0.5]}, "aspect"),
        ({"side": 63}, "side"),
        ({"side": 2049}, "side"),
        ({"side": "NaN"}, "side"),
    ],
)
def test_a_wrong_wish_says_where(
    api: APIClient, photo: Photo, wish: dict[str, Any], field: str
) -> None:
    answer = api.post(f"/api/v1/photos/{photo.code}/reshape/", wish, format="json")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


def test_a_refusal_is_a_sentence(api: APIClient, photo: Photo) -> None:
    answer = api.post(f"/api/v1/photos/{photo.code}/reshape/", {"side": 900}, format="json")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "larger_than_it_is"
    assert "only 400 px" in answer.json()["error"]["message"]


@pytest.mark.parametrize("door", ["reshape", "card"])
def test_strangers_and_deleted_pictures_are_not_there(
    api: APIClient, photo: Photo, stranger: User, photo_of: PhotoOf, door: str
) -> None:
    Photo.objects.filter(pk=photo.pk).update(deleted_at=timezone.now())
    for one in (photo, photo_of(stranger)):
        answer = api.post(f"/api/v1/photos/{one.code}/{door}/", {"degrees": 90}, format="json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "photo_unknown")


def test_without_signing_in_the_doors_are_closed(photo: Photo) -> None:
    for door in ("reshape", "card"):
        answer = APIClient().post(f"/api/v1/photos/{photo.code}/{door}/", {"degrees": 90})
        assert answer.status_code == 401


def test_a_card_shows_both_is_made_once_and_is_no_photo_that_was_sent(
    api: APIClient, result: Photo
) -> None:
    made = api.post(f"/api/v1/photos/{result.code}/card/").json()
    again = api.post(f"/api/v1/photos/{result.code}/card/").json()
    assert (made["code"], made["parent"]) == (again["code"], str(result.code))
    assert (made["width"], made["height"]) == (2 * 819 + 8, 1024)
    card = Photo.objects.get(code=made["code"])
    assert card in Photo.objects.made()
    assert card.is_marked
    left, right = (photos.opened(card).getpixel((x, 900)) for x in (60, 1000))
    assert left[2] > 100 > left[0]  # teal, as it was
    assert right[0] > 200 > right[2]  # coral, as it is


def test_there_is_no_card_without_a_photo_before(api: APIClient, photo: Photo) -> None:
    answer = api.post(f"/api/v1/photos/{photo.code}/card/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "nothing_before")


def test_there_is_no_card_where_the_photo_before_is_gone(api: APIClient, result: Photo) -> None:
    photos.forget(Input.objects.get(job=result.job).photo)
    answer = api.post(f"/api/v1/photos/{result.code}/card/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "photo_gone")


def test_a_file_that_is_gone_is_said_so(photo: Photo) -> None:
    photos.remove([photo.master])
    with pytest.raises(Problem, match="photo_gone"):
        reshape(photo, Change(degrees=90))


def test_the_same_part_of_another_picture_is_another(person: User, photo: Photo) -> None:
    other = photos.ingest(person.pk, picture_file("red"))
    assert reshape(photo, Change(degrees=90)) != reshape(other, Change(degrees=90))
