"""Home, gallery and a picture: shown to their owner, quietly, in a few queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from generation.models import Draft, Input, Job, Photo, State, Tool
from telegram_integration.models import User

SignIn = Callable[[User], Client]
MOST_QUERIES = 5


def sent(owner: User, digest: str = "sent", **fields: Any) -> Photo:
    """A row is enough: pages never read the files."""
    shape = {"width": 800, "height": 1000, "size": 1, "mime": "image/jpeg"}
    names = {"master": f"aa/{digest}.jpg", "thumb": f"aa/{digest}-t.jpg"}
    fields = {"placeholder": "data:image/png;base64,AAAA"} | fields
    return Photo.objects.create(owner=owner, digest=digest, **shape, **names, **fields)


def finished(owner: User, tool: Tool = Tool.IMAGINE, **fields: Any) -> Job:
    now = timezone.now()
    defaults = {"price_unit": "credit", "price_amount": 2, "provider": "local", "seed": 7}
    return Job.objects.create(
        owner=owner, tool=tool, state=State.DONE, deadline_at=now, finished_at=now,
        **{**defaults, **fields},
    )  # fmt: skip


def made(owner: User, digest: str = "made", *, job: Job | None = None, **fields: Any) -> Photo:
    return sent(owner, digest, job=job or finished(owner, prompt="a red sea"), **fields)


def tried_on(owner: User) -> Photo:
    job = finished(owner, Tool.TRYON, zone="head")
    for number, role in enumerate(("person", "item"), 1):
        Input.objects.create(job=job, photo=sent(owner, role), role=role, number=number)
    return made(owner, job=job)


def address_of(name: str, owner: User) -> str:
    args = [made(owner, f"for {name}").code] if name in ("picture", "reshape") else []
    return reverse(name, args=args)


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", ["home", "gallery", "picture", "reshape"])
def test_the_owner_sees_the_page(name: str, person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), address_of(name, person))
    assert page.count('id="main"') == 1
    assert "<h1" in page


@pytest.mark.parametrize("name", ["home", "gallery", "picture", "reshape"])
def test_an_unknown_visitor_is_sent_to_sign_in_and_back(name: str, person: User) -> None:
    address = address_of(name, person)
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer.url == f"{reverse('sign_in')}?next={address}"


@pytest.mark.parametrize("name", ["home", "gallery", "picture", "reshape"])
def test_a_page_has_no_inline_script_and_no_inline_style(
    name: str, person: User, signed_in: SignIn
) -> None:
    page = html(signed_in(person), address_of(name, person))
    assert "<style" not in page
    assert " style=" not in page
    assert "<script>" not in page
    assert " onclick=" not in page


@pytest.mark.parametrize("name", ["picture", "reshape"])
def test_a_strangers_picture_is_not_there(
    name: str, person: User, stranger: User, signed_in: SignIn
) -> None:
    address = reverse(name, args=[made(person).code])
    assert signed_in(stranger).get(address).status_code == 404


def test_a_deleted_picture_is_gone_for_its_owner_and_never_was_for_others(
    person: User, stranger: User, signed_in: SignIn
) -> None:
    gone = made(person, deleted_at=timezone.now())
    address = reverse("picture", args=[gone.code])
    client = signed_in(person)
    assert client.get(address).status_code == 410
    assert signed_in(stranger).get(address).status_code == 404
    assert client.get(reverse("reshape", args=[gone.code])).status_code == 410
    assert str(gone.code) not in html(client, reverse("gallery"))


def test_home_needs_few_queries(
    person: User, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    Draft.objects.create(owner=person, person=sent(person))
    client = signed_in(person)
    with django_assert_max_num_queries(MOST_QUERIES + 1):  # the last asks for news of their plan
        client.get(reverse("home"))


def test_the_gallery_needs_few_queries_however_full_it_is(
    person: User, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        made(person, str(number))
    client = signed_in(person)
    with django_assert_max_num_queries(MOST_QUERIES):
        client.get(reverse("gallery"))


def test_a_picture_with_its_sources_needs_few_queries(
    person: User, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    address = reverse("picture", args=[tried_on(person).code])
    client = signed_in(person)
    with django_assert_max_num_queries(MOST_QUERIES + 1):  # a plan keeps it longer
        client.get(address)


def test_home_greets_by_name_and_says_what_there_is(person: User, signed_in: SignIn) -> None:
    User.objects.filter(pk=person.pk).update(first_name="Ann <b>")
    page = html(signed_in(person), reverse("home"))
    assert "Hello, Ann &lt;b&gt;" in page
    assert "5 credits" in page


def test_home_offers_to_go_on_only_where_something_was_begun(
    person: User, signed_in: SignIn
) -> None:
    client = signed_in(person)
    assert "Continue" not in html(client, reverse("home"))
    Draft.objects.create(owner=person, person=sent(person))
    assert "Continue" in html(client, reverse("home"))


def running(owner: User, digest: str) -> Job:
    job = Job.objects.create(
        owner=owner, tool=Tool.EDIT, prompt="warmer", price_unit="credit", price_amount=1,
        provider="local", deadline_at=timezone.now() + timedelta(minutes=5),
    )  # fmt: skip
    Input.objects.create(job=job, photo=sent(owner, digest), role="base", number=1)
    return job


def test_more_running_jobs_cost_no_more_queries(person: User, signed_in: SignIn) -> None:
    client, counts = signed_in(person), []
    for number in range(3):
        running(person, str(number))
        with CaptureQueriesContext(connection) as queries:
            assert html(client, reverse("home")).count("data-job=") == number + 1
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] <= MOST_QUERIES + 2, counts


def test_home_shows_a_job_that_runs_and_not_one_that_ended(person: User, signed_in: SignIn) -> None:
    ended = finished(person)
    waits = running(person, "base")
    page = html(signed_in(person), reverse("home"))
    assert f'data-job="{waits.code}"' in page
    assert str(ended.code) not in page


def test_the_gallery_is_one_persons(person: User, stranger: User, signed_in: SignIn) -> None:
    mine, theirs = made(person, "mine"), made(stranger, "theirs")
    page = html(signed_in(person), reverse("gallery"))
    assert f'data-tile="{mine.code}"' in page
    assert str(theirs.code) not in page


def test_the_gallery_holds_what_was_made_and_not_what_was_sent(
    person: User, signed_in: SignIn
) -> None:
    upload = sent(person)
    assert str(upload.code) not in html(signed_in(person), reverse("gallery"))


@pytest.mark.parametrize("narrow", ["?tool=tryon", "?favourite"])
def test_the_gallery_can_be_narrowed(narrow: str, person: User, signed_in: SignIn) -> None:
    wanted = tried_on(person)
    Photo.objects.filter(pk=wanted.pk).update(favourite=True)
    other = made(person, "other")
    page = html(signed_in(person), reverse("gallery") + narrow)
    assert f'data-tile="{wanted.code}"' in page
    assert f'data-tile="{other.code}"' not in page


def test_days_stand_above_their_pictures(person: User, signed_in: SignIn) -> None:
    now = timezone.now()
    made(person, "new")
    made(person, "old", created_at=now - timedelta(days=1))
    page = html(signed_in(person), reverse("gallery"))
    assert page.index("Today") < page.index("Yesterday")


def test_older_pictures_are_a_page_away_and_keep_the_filter(
    person: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.views.GALLERY_PAGE", 1)
    made(person, "first"), made(person, "second")
    page = html(signed_in(person), reverse("gallery") + "?tool=imagine")
    assert page.count("data-tile=") == 1
    assert "tool=imagine&amp;page=2" in page


def test_an_empty_gallery_says_how_to_begin(person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), reverse("gallery"))
    assert "No pictures yet" in page
    assert f'href="{reverse("tryon")}"' in page


def test_a_picture_tells_its_recipe_in_plain_words(person: User, signed_in: SignIn) -> None:
    shown = tried_on(person)
    page = html(signed_in(person), reverse("picture", args=[shown.code]))
    for words in ("Try-on", "Hat", "built-in provider", "2 credits", "800 × 1000", "data-split"):
        assert words in page
    assert f"?photo={shown.code}" in page
    assert f"?person={shown.code}" in page


def test_a_picture_from_words_shows_them_and_nothing_before(
    person: User, signed_in: SignIn
) -> None:
    shown = made(person, job=finished(person, prompt="<i>a red sea</i>"))
    page = html(signed_in(person), reverse("picture", args=[shown.code]))
    assert "&lt;i&gt;a red sea&lt;/i&gt;" in page
    assert "data-split" not in page


def test_a_source_that_was_deleted_is_not_shown(person: User, signed_in: SignIn) -> None:
    shown = tried_on(person)
    gone = Photo.objects.get(digest="item")
    Photo.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    page = html(signed_in(person), reverse("picture", args=[shown.code]))
    assert str(gone.code) not in page


def test_a_photo_that_was_sent_has_a_page_too(person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), reverse("picture", args=[sent(person).code]))
    assert "Your photo" in page
    assert "Made by" not in page


def test_a_picture_knows_its_size_before_it_loads(person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), reverse("picture", args=[made(person).code]))
    assert 'width="800" height="1000"' in page
    assert 'src="data:image/png;base64,AAAA"' in page


def reshaped(owner: User, parent: Photo, **recipe: Any) -> Photo:
    return sent(owner, "reshaped", parent=parent, recipe=recipe)


def test_every_picture_leads_to_the_free_tools(person: User, signed_in: SignIn) -> None:
    for one in (sent(person), made(person), reshaped(person, sent(person, "x"), degrees=90)):
        page = html(signed_in(person), reverse("picture", args=[one.code]))
        assert f'href="{reverse("reshape", args=[one.code])}"' in page


def test_a_reshaped_picture_tells_what_was_done_from_what_and_that_it_was_free(
    person: User, signed_in: SignIn
) -> None:
    parent = tried_on(person)
    shown = reshaped(person, parent, degrees=90, box=[0, 0, 0.5, 1])
    page = html(signed_in(person), reverse("picture", args=[shown.code]))
    for words in ("Rotated, cropped", "free tools", "free", reverse("picture", args=[parent.code])):
        assert words in page
    assert "data-split" not in page
    assert "data-card" not in page


def test_a_parent_that_was_deleted_is_not_shown(person: User, signed_in: SignIn) -> None:
    parent = sent(person, "gone", deleted_at=timezone.now())
    shown = reshaped(person, parent, side=64)
    page = html(signed_in(person), reverse("picture", args=[shown.code]))
    assert str(parent.code) not in page


def test_a_reshaped_picture_is_in_the_gallery_and_not_among_what_was_sent(
    person: User, signed_in: SignIn
) -> None:
    upload = sent(person)
    shown = reshaped(person, upload, mirror=True)
    assert f'data-tile="{shown.code}"' in html(signed_in(person), reverse("gallery"))
    wizard = html(signed_in(person), reverse("edit"))
    assert str(upload.code) in wizard
    assert str(shown.code) not in wizard


def test_a_card_is_offered_where_there_is_something_before(person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), reverse("picture", args=[tried_on(person).code]))
    assert "data-card=" in page
    page = html(signed_in(person), reverse("picture", args=[made(person, "lake").code]))
    assert "data-card=" not in page
