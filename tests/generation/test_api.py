"""The API as a client sees it: answers, refusals, and nothing of anybody else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from billing import ledger
from generation import queue, studio, worker
from generation.models import Job, Photo
from generation.providers.base import Fit, ProviderError
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]

JOB_FIELDS = {
    "code", "tool", "state", "version", "percent", "stage", "stage_text", "position",
    "eta_seconds", "price", "watermark", "results", "answer", "error", "recipe", "created_at",
    "started_at", "finished_at",
}  # fmt: skip
NOBODY = str(uuid.uuid4())


def send(api: APIClient, data: bytes, name: str = "me.jpg") -> Any:
    return api.post("/api/v1/photos/", {"file": SimpleUploadedFile(name, data)})


def ask(api: APIClient, body: dict[str, Any], key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post("/api/v1/jobs/", body, format="json", headers=headers)


IMAGINE = {"tool": "imagine", "prompt": "a sea", "aspect": "1:1", "count": 1}


def test_a_photo_is_taken_in(api: APIClient) -> None:
    answer = send(api, picture_file())
    assert answer.status_code == 201
    assert (answer.data["width"], answer.data["height"]) == (320, 400)
    assert answer.data["url"].startswith("/api/v1/photos/")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "photo_empty"),
        (b"<html>", 422, "photo_not_supported"),
        (picture_file()[:900], 422, "photo_broken"),
        (picture_file() + b"0" * (11 * 1024 * 1024), 413, "photo_too_large"),
    ],
)
def test_what_is_no_good_photo_is_refused_in_words(
    api: APIClient, data: bytes, status: int, code: str
) -> None:
    answer = send(api, data, "photo.jpg")
    assert (answer.status_code, answer.data["error"]["code"]) == (status, code)
    assert answer.data["error"]["message"].endswith((".", "!"))
    assert not Photo.objects.exists()


def test_hints_come_with_the_photo_before_anything_is_charged(api: APIClient) -> None:
    answer = send(api, picture_file(size=(120, 150)))
    assert "tiny" in [hint["code"] for hint in answer.data["hints"]]


def test_a_try_on_from_two_photos(api: APIClient, person: User) -> None:
    me, shirt = (send(api, picture_file(colour)).data["code"] for colour in ("teal", "red"))
    answer = ask(api, {"tool": "tryon", "person": me, "item": shirt, "zone": "body"})
    assert answer.status_code == 201
    assert set(answer.data) == JOB_FIELDS
    assert (answer.data["state"], answer.data["position"]) == ("queued", 1)
    assert answer.data["price"] == {"unit": "credit", "amount": 2}
    worker.work()
    done = api.get(f"/api/v1/jobs/{answer.data['code']}/").data
    assert done["state"] == "done"
    assert set(done["results"][0]) >= {"code", "url", "thumb_url", "width", "height"}
    assert api.get(done["results"][0]["url"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tool"),
        ({"tool": "fly"}, "tool"),
        ({"tool": "imagine"}, "prompt"),
        ({"tool": "imagine", "prompt": "x" * 4001}, "prompt"),
        ({"tool": "imagine", "prompt": "  "}, "prompt"),
        ({"tool": "imagine", "prompt": "a\x00b"}, "prompt"),
        ({**IMAGINE, "count": 5}, "count"),
        ({**IMAGINE, "aspect": "2:1"}, "aspect"),
        ({**IMAGINE, "seed": -1}, "seed"),
        ({"tool": "tryon", "person": "x", "item": NOBODY}, "person"),
        ({"tool": "tryon", "person": NOBODY, "item": NOBODY, "zone": "wings"}, "zone"),
        ({"tool": "tryon", "person": NOBODY, "item": NOBODY, "box": [0, 0, 2, 1]}, "box"),
        ({"tool": "tryon", "person": NOBODY, "item": NOBODY, "box": [0.9, 0, 0.5, 1]}, "box"),
        ({"tool": "edit", "base": NOBODY, "prompt": "x", "references": [NOBODY] * 6}, "references"),
    ],
)
def test_a_request_that_is_wrong_says_where(
    api: APIClient, body: dict[str, Any], field: str
) -> None:
    answer = ask(api, body)
    assert (answer.status_code, answer.data["error"]["code"]) == (400, "invalid")
    assert field in answer.data["error"]["fields"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b"null", b"\xff"])
def test_a_body_that_is_no_request_is_refused(api: APIClient, body: bytes) -> None:
    answer = api.post("/api/v1/jobs/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.data["error"]["code"] in ("malformed", "invalid")


def test_a_body_of_a_megabyte_is_not_read(api: APIClient) -> None:
    answer = ask(api, {"tool": "imagine", "prompt": "x" * 1024 * 1024})
    assert (answer.status_code, answer.data["error"]["code"]) == (413, "body_too_large")


def test_strangers_photos_and_jobs_are_not_there(
    api: APIClient, stranger: User, photo_of: Callable[..., Photo]
) -> None:
    photo, job = photo_of(stranger), studio.imagine(stranger.pk, prompt="a sea")
    assert ask(api, {"tool": "edit", "base": str(photo.code), "prompt": "x"}).status_code == 404
    for address in (f"/api/v1/photos/{photo.code}/", f"/api/v1/jobs/{job.code}/"):
        assert api.get(address).status_code == 404
    assert api.post(f"/api/v1/jobs/{job.code}/cancel/").status_code == 404
    assert api.delete(f"/api/v1/photos/{photo.code}/").status_code == 404
    assert api.get("/api/v1/jobs/").data["results"] == []


def test_a_key_makes_asking_twice_asking_once(api: APIClient, person: User) -> None:
    first, again = ask(api, IMAGINE, "k1"), ask(api, IMAGINE, "k1")
    assert first.data["code"] == again.data["code"]
    other = ask(api, {**IMAGINE, "prompt": "a lake"}, "k1")
    assert (other.status_code, other.data["error"]["code"]) == (422, "key_reused")
    assert ledger.balance(person.pk).credit == 4


@pytest.mark.parametrize("key", ["x" * 121, "ключ"])
def test_a_key_that_cannot_be_kept_is_refused(api: APIClient, key: str) -> None:
    assert ask(api, IMAGINE, key).status_code == 400


def test_a_clients_key_cannot_claim_a_retry(api: APIClient, person: User) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    studio.cancel(job)
    theirs = ask(api, IMAGINE, f"retry:{job.code}").data["code"]
    assert api.post(f"/api/v1/jobs/{job.code}/retry/").data["code"] != theirs


def test_who_cannot_pay_is_told_what_is_missing(api: APIClient) -> None:
    for _job in range(3):
        ask(api, {**IMAGINE, "count": 4})
    answer = ask(api, {**IMAGINE, "count": 4})
    assert answer.status_code == 402
    assert answer.data["error"]["code"] == "not_enough"
    assert answer.data["error"]["missing"] == {"unit": "credit", "amount": 3}


def test_a_refusal_of_the_provider_is_a_sentence(api: APIClient, provider: Obedient) -> None:
    provider.refusal = ProviderError("no_image", "vendor text")
    answer = ask(api, IMAGINE)
    assert answer.status_code == 422
    assert "vendor text" not in str(answer.data)


def test_errors_are_in_the_persons_language(api: APIClient) -> None:
    answer = api.get("/api/v1/jobs/x/", headers={"Accept-Language": "ru"})
    assert answer.status_code == 404
    answer = api.get(f"/api/v1/jobs/{NOBODY}/", headers={"Accept-Language": "ru"})
    assert answer.data["error"]["message"] != "There is nothing here."


def test_cancel_and_retry(api: APIClient, person: User) -> None:
    code = ask(api, IMAGINE).data["code"]
    assert api.post(f"/api/v1/jobs/{code}/retry/").status_code == 409
    assert api.post(f"/api/v1/jobs/{code}/cancel/").data["state"] == "cancelled"
    assert api.post(f"/api/v1/jobs/{code}/cancel/").status_code == 409
    again = api.post(f"/api/v1/jobs/{code}/retry/")
    assert (again.status_code, again.data["state"]) == (201, "queued")
    assert ledger.balance(person.pk).credit == 4


def test_a_failure_is_told_with_a_code_and_a_sentence(api: APIClient, provider: Obedient) -> None:
    provider.answer = ProviderError("no_image", "vendor text")
    code = ask(api, IMAGINE).data["code"]
    worker.work()
    answer = api.get(f"/api/v1/jobs/{code}/").data
    assert answer["error"]["code"] == "no_image"
    assert "Nothing was charged" in answer["error"]["message"]
    assert "vendor text" not in str(answer)


def test_jobs_are_listed_in_pages_newest_first(api: APIClient) -> None:
    codes = [ask(api, IMAGINE).data["code"] for _job in range(3)]
    first = api.get("/api/v1/jobs/?limit=2").data
    rest = api.get(first["next"]).data
    listed = [job["code"] for job in [*first["results"], *rest["results"]]]
    assert listed == codes[::-1]
    assert rest["next"] is None


def test_jobs_are_filtered(api: APIClient) -> None:
    ask(api, IMAGINE)
    assert len(api.get("/api/v1/jobs/?state=queued&state=running").data["results"]) == 1
    assert api.get("/api/v1/jobs/?state=done").data["results"] == []
    assert api.get("/api/v1/jobs/?tool=edit").data["results"] == []
    assert api.get("/api/v1/jobs/?state=lost").status_code == 400


def test_the_place_for_an_item_is_told_or_asked_for(
    api: APIClient, provider: Obedient, person: User, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    found = api.get(f"/api/v1/photos/{photo.code}/fit/?zone=head").data
    assert found == {"box": (0.25, 0.25, 0.5, 0.5), "reason": "", "message": ""}
    provider.place = Fit(None, "no_person")
    assert api.get(f"/api/v1/photos/{photo.code}/fit/?zone=head").data["box"]
    missed = api.get(f"/api/v1/photos/{photo.code}/fit/?zone=body").data
    assert (missed["box"], missed["reason"]) == (None, "no_person")
    assert missed["message"]


def test_favourites_and_deleting(api: APIClient, person: User) -> None:
    ask(api, IMAGINE)
    worker.work()
    code = Photo.objects.get(owner=person).code
    assert api.patch(f"/api/v1/photos/{code}/", {"favourite": True}, format="json").data[
        "favourite"
    ]
    assert len(api.get("/api/v1/photos/?favourite=true&kind=result").data["results"]) == 1
    assert api.get("/api/v1/photos/?kind=upload").data["results"] == []
    assert api.delete(f"/api/v1/photos/{code}/").status_code == 204
    assert api.get(f"/api/v1/photos/{code}/").status_code == 404
    assert api.get(f"/api/v1/jobs/{Job.objects.get().code}/").data["results"] == []


def test_a_quote_says_who_pays(api: APIClient) -> None:
    assert api.get("/api/v1/quote/?tool=tryon").data == {
        "unit": "credit", "amount": 2, "watermark": False, "missing": 0,
    }  # fmt: skip


def test_a_draft_is_kept_and_forgotten(
    api: APIClient, person: User, stranger: User, photo_of: Callable[..., Photo]
) -> None:
    mine, theirs = photo_of(person), photo_of(stranger)
    api.patch("/api/v1/draft/", {"person": str(mine.code)}, format="json")
    answer = api.patch("/api/v1/draft/", {"zone": "head"}, format="json")
    assert answer.data == {"person": str(mine.code), "item": None, "zone": "head"}
    refused = api.patch("/api/v1/draft/", {"item": str(theirs.code)}, format="json")
    assert refused.status_code == 404
    assert api.delete("/api/v1/draft/").status_code == 204
    assert api.get("/api/v1/draft/").data["person"] is None


def test_without_signing_in_every_door_is_closed() -> None:
    for address in ("photos", "jobs", "quote", "draft", "me", "api-keys"):
        answer = APIClient().get(f"/api/v1/{address}/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


def test_an_unknown_address_is_answered_in_the_same_shape(api: APIClient) -> None:
    answer = api.get("/api/v1/nothing/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_who_asks_too_fast_is_told_how_long_to_wait(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rest_framework.throttling import UserRateThrottle

    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/min", "anon": "9/min"})
    client = APIClient()
    client.force_authenticate(person)
    answers = [client.get("/api/v1/me/") for _time in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0


def test_a_submit_rings_the_bell_after_the_commit(
    api: APIClient, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(
        "generation.queue.current_app.send_task", lambda name, **_options: rung.append(name)
    )
    with django_capture_on_commit_callbacks(execute=True):
        ask(api, IMAGINE)
        assert rung == []
    assert rung == ["generation.tasks.work"]
    assert queue.claim() is not None
