"""Talking with the assistant, from the API through a model over real HTTP and back."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone, translation
from rest_framework.test import APIClient

from billing import ledger
from billing.audit import findings
from generation import assistant, photos, prompts, queue, studio, worker
from generation.models import (
    FINAL,
    Attempt,
    Job,
    Message,
    Photo,
    ProviderSetting,
    Route,
    State,
    Tool,
)
from telegram_integration.models import User
from tests.vendors.chat import GOOD, KEY, PATH, ChatStub, completion, wrong
from tests.vendors.stub import HANG, HTML, RESET, Answer

pytestmark = pytest.mark.django_db

PROMPTS = [{"kind": kind, "text": GOOD[kind]} for kind in ("short", "balanced", "detailed")]


@pytest.fixture
def model(settings: Any) -> Iterator[ChatStub]:
    """A model to talk to, and nobody else."""
    settings.PROVIDER, settings.PROVIDER_KEYS = "", {"chat": KEY}
    Route.objects.all().delete()
    with ChatStub() as stub:
        row = ProviderSetting.objects.get(name="chat")
        row.base_url, row.options = f"{stub.url}/v1", {"usd_rub": "80", "read_seconds": 0.5}
        row.save()
        Route.objects.create(tool=Tool.ASSISTANT, provider=row, order=10)
        yield stub
    assert stub.mistakes == []


@pytest.fixture
def second_best(model: ChatStub) -> None:
    """The built-in assistant stands behind the model."""
    local = ProviderSetting.objects.get(name="local")
    Route.objects.create(tool=Tool.ASSISTANT, provider=local, order=90)


def ask(api: APIClient, photo: Photo, message: str = "make the coat red", key: str = "") -> Any:
    body = {"tool": "assistant", "photo": str(photo.code), "message": message}
    headers = {"Idempotency-Key": key} if key else {}
    return api.post("/api/v1/jobs/", body, format="json", headers=headers)


def finish(api: APIClient, answer: Any) -> Any:
    """Work until the turn has ended. Waits are made to be over, the clock is not waited for."""
    assert answer.status_code == 201, answer.data
    for _turn in range(8):
        Job.objects.filter(state=State.WAITING).update(next_check_at=timezone.now())
        worker.work()
        told = api.get(f"/api/v1/jobs/{answer.data['code']}/").data
        if told["state"] in FINAL:
            break
    return told


def credits_of(user: User) -> int:
    assert findings() == []
    return ledger.balance(user.pk).credit


def test_a_turn_costs_one_credit_and_brings_three_prompts(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    asked = ask(api, photo_of(person))
    assert (asked.data["state"], asked.data["price"]) == (
        "queued", {"unit": "credit", "amount": 1},
    )  # fmt: skip
    assert credits_of(person) == 4
    told = finish(api, asked)
    assert (told["state"], told["results"], told["error"]) == ("done", [], None)
    assert (told["answer"]["text"], told["answer"]["free"]) == (GOOD["sentence"], False)
    assert told["answer"]["prompts"] == PROMPTS
    assert credits_of(person) == 4


def test_tokens_and_cost_are_kept(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    finish(api, ask(api, photo_of(person)))
    said, job = Message.objects.get(role="assistant"), Job.objects.get()
    assert (said.tokens_in, said.tokens_out) == (1500, 200)
    assert (job.cost, job.provider, job.model) == (
        Decimal("0.08"), "chat", "anthropic/claude-haiku-4.5",
    )  # fmt: skip


def test_a_cost_that_is_not_said_is_that_of_the_price_row(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    model.script(PATH, Answer(200, completion(GOOD, usage={})))
    finish(api, ask(api, photo_of(person)))
    assert Job.objects.get().cost == Decimal("0.07")
    assert Message.objects.get(role="assistant").tokens_in is None


def test_with_a_plan_a_turn_is_free_and_spends_no_action(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    later = timezone.now() + td(days=30)
    ledger.grant(
        ledger.open_account(person.pk), "plan", 50, key="p1", source="basic", expires_at=later
    )
    told = finish(api, ask(api, photo_of(person)))
    assert (told["state"], told["price"]["amount"]) == ("done", 0)
    assert (ledger.balance(person.pk).plan, credits_of(person)) == (50, 5)


def test_without_a_credit_nothing_is_asked(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    for _turn in range(5):
        finish(api, ask(api, photo))
    refused = ask(api, photo)
    assert (refused.status_code, refused.data["error"]["code"]) == (402, "not_enough")
    assert (len(model.asked), Message.objects.filter(role="person").count()) == (5, 5)


def test_a_makeshift_answer_is_given_back(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    model.says("no JSON", "again no JSON")
    told = finish(api, ask(api, photo_of(person)))
    assert (told["state"], told["answer"]["free"]) == ("done", True)
    assert "make the coat red" in told["answer"]["prompts"][0]["text"]
    assert credits_of(person) == 5
    assert Message.objects.get(role="assistant").tokens_in == 3000


FAILURES = {
    "401": wrong(401, "key"), "402": wrong(402, "pay"), "429": wrong(429, "slow"),
    "500": wrong(500, "oops"), "html": HTML, "hang": HANG, "reset": RESET,
    "filtered": Answer(200, completion("", finish_reason="content_filter")),
}  # fmt: skip


@pytest.mark.parametrize("behaviour", FAILURES.values(), ids=FAILURES)
def test_a_turn_without_an_answer_is_given_back(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo], behaviour: Any
) -> None:
    model.script(PATH, *[behaviour] * 8)
    told = finish(api, ask(api, photo_of(person)))
    assert (told["state"], told["answer"]) == ("failed", None)
    assert told["error"]["message"]
    assert credits_of(person) == 5
    assert Message.objects.filter(role="assistant").count() == 0


@pytest.mark.usefixtures("second_best")
@pytest.mark.parametrize("name", ["401", "402", "429", "500", "html", "hang", "reset"])
def test_with_the_model_down_the_built_in_assistant_answers_for_nothing(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo], name: str
) -> None:
    model.script(PATH, *[FAILURES[name]] * 8)
    told = finish(api, ask(api, photo_of(person), "brighter"))
    assert (told["state"], told["recipe"]["provider"]) == ("done", "local")
    assert (told["answer"]["free"], told["answer"]["prompts"][0]["text"]) == (True, "brighter")
    assert credits_of(person) == 5
    assert [order.provider for order in Attempt.objects.order_by("pk")] == ["chat", "local"]


@pytest.mark.usefixtures("second_best")
def test_a_model_that_rests_is_stood_in_for_as_freely(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("generation.routing.is_resting", lambda name: name == "chat")
    told = finish(api, ask(api, photo_of(person), "brighter"))
    assert (told["answer"]["free"], credits_of(person)) == (True, 5)


def test_a_clone_without_a_key_has_an_assistant_that_is_paid(
    api: APIClient, person: User, photo_of: Callable[..., Photo], settings: Any
) -> None:
    settings.PROVIDER = "local"
    photo = photo_of(person)
    told = finish(api, ask(api, photo, "сделай ярче"))
    assert (told["answer"]["free"], credits_of(person)) == (False, 4)
    for prompt in told["answer"]["prompts"]:
        studio._examine(studio.Wish(Tool.EDIT, (("base", photo),), prompt=prompt["text"]))


def test_the_built_in_assistant_speaks_the_persons_language(
    api: APIClient, person: User, photo_of: Callable[..., Photo], settings: Any
) -> None:
    settings.PROVIDER = "local"
    User.objects.update(language="ru")
    told = finish(api, ask(api, photo_of(person), "ярче"))
    with translation.override("ru"):
        wanted = translation.gettext(
            "Gladly! Choose: just that, with one fitting touch, or with a few more."
        )
    assert told["answer"]["text"] == wanted


def test_the_model_gets_staffs_words_and_the_persons_language(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    prompts.write(prompts.ASSISTANT, "Be brief, dear model, and only speak of hats.")
    User.objects.update(language="ru")
    finish(api, ask(api, photo_of(person)))
    system = model.talks[0][0]["content"]
    assert system.startswith("Be brief, dear model")
    assert "is in Russian" in system
    assert Job.objects.get().prompt_number == 1


def test_the_last_ten_messages_are_told_and_none_before(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    ledger.grant(ledger.open_account(person.pk), "credit", 9, key="more", source="test")
    photo = photo_of(person)
    for number in range(7):
        finish(api, ask(api, photo, f"wish number {number}"))
    system, *told = model.talks[-1]
    assert (system["role"], len(told)) == ("system", 10)
    assert [m["role"] for m in told] == ["assistant", "user"] * 5
    assert told[1]["content"] == "wish number 2"
    assert told[-1]["content"][0]["text"] == "wish number 6"
    assert GOOD["detailed"] in told[0]["content"]


def test_what_is_told_of_each_message_is_bounded(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    finish(api, ask(api, photo))
    Message.objects.filter(role="assistant").update(text="x" * 9000)
    finish(api, ask(api, photo))
    assert max(len(m["content"]) for m in model.talks[-1][1:-1]) == assistant.TOLD


def test_the_picture_as_it_is_now_reaches_the_model(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    first, second = photo_of(person), photo_of(person, "red")
    finish(api, ask(api, first))
    finish(api, ask(api, second))
    assert model.pictures == [photos.read(first), photos.read(second)]


def test_the_talk_goes_on_about_what_was_made_of_the_photo(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo, made = photo_of(person), photo_of(person, "red")
    Photo.objects.filter(pk=made.pk).update(root=photo)
    finish(api, ask(api, photo, "first wish"))
    finish(api, ask(api, made, "second wish"))
    assert model.talks[-1][1] == {"role": "user", "content": "first wish"}
    assert model.pictures[-1] == photos.read(made)


def test_another_photo_is_another_talk(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    finish(api, ask(api, photo_of(person), "a secret about the first"))
    finish(api, ask(api, photo_of(person, "red")))
    assert len(model.talks[-1]) == 2


def test_a_second_message_waits_until_the_first_is_answered(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    first = ask(api, photo)
    second = ask(api, photo, "and a hat")
    assert (second.status_code, second.data["error"]["code"]) == (409, "still_answering")
    assert (credits_of(person), Message.objects.count()) == (4, 1)
    finish(api, first)
    assert ask(api, photo, "and a hat").status_code == 201


def test_a_strangers_photo_is_not_there(
    api: APIClient, stranger: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    refused = ask(api, photo_of(stranger))
    assert (refused.status_code, refused.data["error"]["code"]) == (404, "photo_unknown")
    assert not Job.objects.exists()


@pytest.mark.parametrize("message", ["x" * 2001, "  ", "a\x00b"], ids=["long", "empty", "null"])
def test_a_message_that_is_none_is_refused(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo], message: str
) -> None:
    refused = ask(api, photo_of(person), message)
    assert (refused.status_code, list(refused.data["error"]["fields"])) == (400, ["message"])
    assert credits_of(person) == 5


def test_a_message_of_2000_characters_is_taken(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    told = finish(api, ask(api, photo_of(person), "ж" * 2000))
    assert told["state"] == "done"


def test_sent_twice_it_is_one_turn(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    first, again = (ask(api, photo, key="k1") for _time in range(2))
    assert first.data["code"] == again.data["code"]
    finish(api, first)
    assert ask(api, photo, key="k1").data["answer"]["text"] == GOOD["sentence"]
    assert (credits_of(person), len(model.asked), Message.objects.count()) == (4, 1, 2)


def test_a_worker_killed_in_the_middle_leaves_one_answer_and_one_charge(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked = ask(api, photo_of(person))
    with monkeypatch.context() as patch:
        patch.setattr("generation.ending.answer", _killed)
        with pytest.raises(KeyboardInterrupt):
            worker.work()
    Job.objects.update(lease_until=timezone.now() - td(seconds=1))
    queue.sweep()
    told = finish(api, asked)
    assert (told["state"], credits_of(person)) == ("done", 4)
    assert (len(model.asked), Message.objects.filter(role="assistant").count()) == (2, 1)


def _killed(*_args: Any, **_kwargs: Any) -> None:
    raise KeyboardInterrupt


def test_a_turn_can_be_cancelled_and_the_credit_is_back(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    asked = ask(api, photo_of(person))
    assert api.post(f"/api/v1/jobs/{asked.data['code']}/cancel/").status_code == 200
    assert not worker.work()
    assert (credits_of(person), model.asked) == (5, [])


def test_a_key_never_reaches_a_row(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    model.script(PATH, *[RESET, wrong(500, "oops")] * 4)
    finish(api, ask(api, photo_of(person)))
    kept = [*Job.objects.values_list("error_detail", flat=True)]
    kept += Attempt.objects.values_list("detail", flat=True)
    assert not any(KEY in text or base64.b64encode(b"\xff\xd8").decode() in text for text in kept)


def chat(client: APIClient, code: object) -> Any:
    return client.get(f"/api/v1/chats/{code}/")


def test_a_conversation_is_shown_oldest_first(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo, made = photo_of(person), photo_of(person, "red")
    Photo.objects.filter(pk=made.pk).update(root=photo)
    turns = [finish(api, ask(api, photo, "one")), finish(api, ask(api, made, "two"))]
    told = chat(api, photo.code).data
    assert told == chat(api, made.code).data
    assert [m["text"] for m in told] == ["one", GOOD["sentence"], "two", GOOD["sentence"]]
    assert [m["role"] for m in told] == ["person", "assistant"] * 2
    assert [m["prompts"] for m in told] == [[], PROMPTS] * 2
    assert [str(m["photo"]) for m in told] == [str(photo.code)] * 2 + [str(made.code)] * 2
    assert [str(m["job"]) for m in told[::2]] == [turn["code"] for turn in turns]
    assert set(told[0]) == {
        "code", "role", "text", "prompts", "photo", "free", "created_at", "job",
    }  # fmt: skip


def test_a_long_conversation_shows_its_end(
    api: APIClient, person: User, model: ChatStub, photo_of: Callable[..., Photo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("generation.assistant.SHOWN", 3)
    photo = photo_of(person)
    for text in ("one", "two", "three"):
        finish(api, ask(api, photo, text))
    assert [m["text"] for m in chat(api, photo.code).data][1] == "three"
    assert len(chat(api, photo.code).data) == 3


def test_a_conversation_is_nobody_elses(
    api: APIClient, person: User, stranger: User, model: ChatStub, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(person)
    finish(api, ask(api, photo))
    other = APIClient()
    other.force_authenticate(stranger)
    assert chat(other, photo.code).status_code == 404
    assert chat(APIClient(), photo.code).status_code == 401
    assert chat(api, uuid.uuid4()).status_code == 404
    assert chat(api, photo_of(person, "red").code).data == []


def test_with_a_key_the_model_comes_first_and_the_built_in_assistant_last(
    settings: Any, db: None
) -> None:
    Route.objects.all().delete()
    settings.PROVIDER_KEYS = {"chat": KEY}
    call_command("seed")
    routes = Route.objects.filter(tool=Tool.ASSISTANT).values_list("provider__name", "order")
    assert list(routes) == [("chat", 10), ("local", 90)]
    assert ProviderSetting.objects.get(name="chat").picture_cost == Decimal("0.07")
