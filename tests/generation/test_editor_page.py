"""The editor: the picture, and all that was asked about its family, in the order of asking."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import Price
from generation import assistant
from generation.models import Input, Job, Message, Photo, State, Tool
from telegram_integration.models import User
from tests.conftest import make_person
from tests.generation.test_pages import SignIn, html, made, sent

MOST_QUERIES = 6
PROPOSED = [
    {"kind": "short", "text": "make it warmer"},
    {"kind": "balanced", "text": "make it warmer, soften the light"},
    {"kind": "detailed", "text": "make it warmer, soften the light, keep the face as it is"},
]


def asked(about: Photo, words: str, tool: Tool = Tool.ASSISTANT, **fields: Any) -> Job:
    """What a person asked about a picture, as a row."""
    now = timezone.now()
    fields = {"state": State.DONE, "finished_at": now, "provider": "local"} | fields
    job = Job.objects.create(
        owner_id=about.owner_id, tool=tool, prompt=words, price_unit="credit", price_amount=1,
        deadline_at=now, **fields,
    )  # fmt: skip
    Input.objects.create(job=job, photo=about, role=Input.Role.BASE, number=1)
    if tool == Tool.ASSISTANT:
        assistant.note(job, about)
    return job


def answered(about: Photo, words: str, answer: str = "Here it is.", **fields: Any) -> Job:
    job = asked(about, words)
    asking = job.messages.get()
    Message.objects.create(
        chat_id=asking.chat_id, job=job, photo=about, role=Message.Role.ASSISTANT, text=answer,
        **{"prompts": PROPOSED} | fields,
    )  # fmt: skip
    return job


def editor(client: Client, photo: Photo) -> str:
    return html(client, f"{reverse('edit')}?photo={photo.code}")


@pytest.fixture
def client(person: User, signed_in: SignIn) -> Client:
    return signed_in(person)


@pytest.fixture
def photo(person: User) -> Photo:
    return sent(person)


def test_past_turns_stand_among_the_edits_as_they_were_asked(client: Client, photo: Photo) -> None:
    answered(photo, "first words")
    edit = asked(photo, "second words", Tool.EDIT)
    made(photo.owner, job=edit, root=photo)
    answered(photo, "third words", "A third answer.")
    page = editor(client, photo)
    places = [page.index(f">{number} words<") for number in ("first", "second", "third")]
    assert places == sorted(places)
    assert page.count("data-proposal") == 6
    assert "A third answer." in page


def test_a_picture_of_the_family_shows_the_same_talk(client: Client, photo: Photo) -> None:
    answered(photo, "about the first")
    result = made(photo.owner, job=asked(photo, "warmer", Tool.EDIT), root=photo)
    answered(result, "about the second")
    page = editor(client, result)
    assert "about the first" in page
    assert "about the second" in page


def test_the_talk_about_another_photo_stays_there(client: Client, photo: Photo) -> None:
    answered(sent(photo.owner, "other"), "elsewhere")
    assert "elsewhere" not in editor(client, photo)


def test_open_failed_and_cancelled_turns_stay(client: Client, photo: Photo) -> None:
    asked(photo, "it goes on", state=State.QUEUED, finished_at=None)
    failed = asked(photo, "it failed", state=State.FAILED, error_code="no_answer")
    asked(photo, "called off", state=State.CANCELLED)
    page = editor(client, photo)
    assert "The assistant found no words. Nothing was charged." in page
    assert reverse("job-retry", args=[failed.code]) in page
    assert page.count("data-cancel=") == 1
    assert "Cancelled. Nothing was charged." in page


def test_an_edit_that_failed_stays_and_one_that_was_cancelled_goes(
    client: Client, photo: Photo
) -> None:
    asked(photo, "it failed", Tool.EDIT, state=State.FAILED, error_code="no_image")
    asked(photo, "called off", Tool.EDIT, state=State.CANCELLED)
    page = editor(client, photo)
    assert "No picture came out." in page
    assert "called off" not in page


def test_what_was_said_is_text_and_never_markup(client: Client, photo: Photo) -> None:
    evil = "<script>alert(1)</script>"
    prompts = [{"kind": "short", "text": f"{evil}</textarea>"}]
    answered(photo, evil, evil, prompts=prompts)
    page = editor(client, photo)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "&lt;/textarea&gt;" in page


def test_a_makeshift_answer_says_that_it_was_for_nothing(client: Client, photo: Photo) -> None:
    answered(photo, "paid")
    assert "on us" not in editor(client, photo)
    answered(photo, "given", free=True)
    assert "This one is on us: nothing was charged." in editor(client, photo)


def test_the_prompt_that_was_drawn_is_marked(client: Client, photo: Photo) -> None:
    answered(photo, "warmer please")
    assert editor(client, photo).count("is-drawn") == 0
    asked(photo, PROPOSED[1]["text"], Tool.EDIT)
    assert editor(client, photo).count("is-drawn") == 1


def test_both_ways_to_ask_say_their_price(client: Client, photo: Photo) -> None:
    page = editor(client, photo)
    assert 'data-price="assistant">1 credit<' in page
    assert 'data-price="edit">1 credit<' in page


def test_without_an_assistant_on_sale_the_editor_does_without(client: Client, photo: Photo) -> None:
    Price.objects.filter(tool=Tool.ASSISTANT).delete()
    page = editor(client, photo)
    assert "data-talk " not in page
    assert "data-send" in page


def test_a_stranger_sees_neither_the_editor_nor_a_turn(
    photo: Photo, stranger: User, signed_in: SignIn
) -> None:
    turn, other = answered(photo, "mine"), signed_in(stranger)
    assert other.get(f"{reverse('edit')}?photo={photo.code}").status_code == 404
    assert other.get(reverse("job", args=[turn.code])).status_code == 404
    assert other.get(reverse("job", args=[turn.code]) + "?fragment=bubble").status_code == 404


def test_an_unknown_photo_is_not_there(client: Client) -> None:
    assert client.get(f"{reverse('edit')}?photo={uuid4()}").status_code == 404


def test_a_turns_own_page_is_the_editor(client: Client, photo: Photo) -> None:
    answer = client.get(reverse("job", args=[answered(photo, "warmer").code]))
    assert answer.status_code == 302
    assert answer.url == f"{reverse('edit')}?photo={photo.code}"


def test_a_turn_about_a_deleted_photo_leads_to_the_choice_of_another(
    client: Client, photo: Photo
) -> None:
    turn = answered(photo, "warmer")
    Photo.objects.filter(pk=photo.pk).update(deleted_at=timezone.now())
    assert client.get(reverse("job", args=[turn.code])).url == reverse("edit")


def test_a_turn_as_a_bubble_is_what_the_page_shows(client: Client, photo: Photo) -> None:
    turn = answered(photo, "warmer", "A friendly sentence.")
    bubble = html(client, reverse("job", args=[turn.code]) + "?fragment=bubble")
    assert bubble.startswith("<article")
    assert bubble.count("data-proposal") == 3
    assert 'data-price="edit">1 credit<' in bubble
    assert "A friendly sentence." in bubble


def test_the_editor_needs_few_queries_however_long_the_talk(
    photo: Photo, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        answered(photo, f"words {number}")
        made(photo.owner, f"r{number}", job=asked(photo, f"edit {number}", Tool.EDIT), root=photo)
    client = signed_in(photo.owner)
    editor(client, photo)  # prices are listed from memory for a few seconds
    with django_assert_max_num_queries(MOST_QUERIES):
        editor(client, photo)


def test_the_editor_has_no_inline_script_and_no_inline_style(client: Client, photo: Photo) -> None:
    answered(photo, "warmer")
    page = editor(client, photo)
    for forbidden in ("<style", " style=", "<script>", " onclick="):
        assert forbidden not in page


def test_one_persons_talk_is_not_anothers(photo: Photo, signed_in: SignIn) -> None:
    answered(photo, "between us")
    carol = make_person("carol")
    assert "between us" not in editor(signed_in(carol), sent(carol))
