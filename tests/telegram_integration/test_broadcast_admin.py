"""How staff write, look at, try and send a broadcast, and who may."""

from __future__ import annotations

import uuid
from datetime import timedelta as td
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from telegram_integration.models import Broadcast, OutgoingMessage, User

pytestmark = pytest.mark.django_db
FORM = {"segment": "everybody", "text_ru": "", "text_en": "Hello\r\nthere", "button_ru": "",
        "button_en": "", "path": ""}  # fmt: skip


def someone(username: str, *permissions: str, **fields: Any) -> Client:
    """Staff with these permissions and no others."""
    user = User.objects.create_user(username, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff() -> Client:
    return someone("boss", "change_broadcast", telegram_id=9, chat_since=timezone.now())


@pytest.fixture
def onlooker() -> Client:
    return someone("eve", "view_broadcast")


@pytest.fixture
def draft() -> Broadcast:
    return Broadcast.objects.create(text_ru="<b>Привет", text_en="Hello")


def address(page: str, *arguments: Any) -> str:
    return reverse(f"admin:telegram_integration_broadcast_{page}", args=arguments)


def do(client: Client, row: Broadcast, act: str, **asked: Any) -> HttpResponse:
    """The question before the act is read, then answered."""
    page = address("act", row.pk, act)
    assert client.get(page).status_code == 200
    return client.post(page, {"key": str(uuid.uuid4()), **asked}, follow=True)


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def test_a_draft_is_written_and_shown(staff: Client) -> None:
    answer = staff.post(address("add"), FORM, follow=True)
    row = Broadcast.objects.get()
    assert (row.author.username, row.status, row.text_en) == ("boss", "draft", "Hello\nthere")
    assert answer.redirect_chain[-1][0] == address("preview", row.pk)
    assert text(answer).count("Hello<br>there") == 2  # people of both languages read it
    assert "People, as of now: 1." in text(answer)


def test_what_is_wrong_is_said(staff: Client) -> None:
    answer = staff.post(address("add"), FORM | {"button_en": "Plans", "path": "/nowhere/"})
    assert "This is no page of the studio." in text(answer)
    assert not Broadcast.objects.exists()


def test_only_drafts_are_edited(staff: Client, draft: Broadcast) -> None:
    change = address("change", draft.pk)
    assert staff.post(change, FORM | {"text_en": "Hi"}).status_code == 302
    do(staff, draft, "start")
    assert staff.post(change, FORM | {"text_en": "Bye"}).status_code == 403
    assert staff.post(address("delete", draft.pk), {"post": "yes"}).status_code == 403
    assert Broadcast.objects.get().text_en == "Hi"


def test_an_edit_that_comes_too_late_is_refused(
    staff: Client, draft: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broadcast, "move", lambda *a, **k: False)
    answer = staff.post(address("change", draft.pk), FORM)
    assert (answer.status_code, Broadcast.objects.get().text_en) == (403, "Hello")


def test_the_preview_escapes_what_was_written(staff: Client, draft: Broadcast) -> None:
    page = text(staff.get(address("preview", draft.pk)))
    assert "&lt;b&gt;Привет" in page
    assert "Russian: 0" in page
    assert "English: 1" in page
    assert "style=" not in page.partition('id="content-main"')[2]


def test_its_life_by_the_buttons(staff: Client, draft: Broadcast) -> None:
    states = []
    for act in ("start", "pause", "resume", "stop"):
        do(staff, draft, act)
        if act == "start":
            Broadcast.objects.update(status="sending", started_at=timezone.now())
        states.append(Broadcast.objects.get().status)
    assert states == ["sending", "paused", "sending", "stopped"]
    logged = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(logged) == ["scheduled", "paused", "resumed", "stopped"]


def test_it_can_begin_later_and_never_by_mistake(staff: Client, draft: Broadcast) -> None:
    answer = do(staff, draft, "start", starts_at="2020-01-01T10:00")
    assert "This moment is over." in text(answer)
    at = (timezone.now() + td(days=1)).replace(second=0, microsecond=0)
    do(staff, draft, "start", starts_at=f"{at:%Y-%m-%dT%H:%M}")
    row = Broadcast.objects.get()
    assert (row.status, row.starts_at) == ("scheduled", at)


def test_an_act_that_comes_too_late_says_so(staff: Client, draft: Broadcast) -> None:
    do(staff, draft, "start")
    answer = do(staff, draft, "start")
    assert "Nothing was done: it is “scheduled” by now." in text(answer)
    assert LogEntry.objects.count() == 1


def test_a_test_comes_to_oneself(staff: Client, draft: Broadcast) -> None:
    do(staff, draft, "test")
    assert set(OutgoingMessage.objects.values_list("chat_id", flat=True)) == {9}
    assert Broadcast.objects.get().status == "draft"


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "has no Telegram id"), ({"telegram_id": 8}, "The bot may not write to you yet.")],
)
def test_who_cannot_be_written_to_is_told_why(
    draft: Broadcast, fields: dict[str, Any], said: str
) -> None:
    answer = do(someone("zoe", "change_broadcast", **fields), draft, "test")
    assert said in text(answer)
    assert not OutgoingMessage.objects.exists()


def test_who_may_only_look_changes_nothing(onlooker: Client, draft: Broadcast) -> None:
    page = onlooker.get(address("preview", draft.pk))
    assert page.status_code == onlooker.get(address("changelist")).status_code == 200
    assert "Send it" not in text(page)
    assert onlooker.get(address("add")).status_code == 403
    assert onlooker.post(address("change", draft.pk), FORM).status_code == 403
    for act in ("test", "start", "pause", "resume", "stop"):
        assert onlooker.post(address("act", draft.pk, act)).status_code == 403


def test_nobody_else_gets_in(draft: Broadcast, client: Client, person: User) -> None:
    pages = [address("changelist"), address("preview", draft.pk), address("act", draft.pk, "stop")]
    joe = someone("joe")
    assert [joe.get(page).status_code for page in pages] == [403] * 3
    client.force_login(person)
    assert [client.get(page).status_code for page in pages] == [302] * 3


def test_an_act_takes_a_post(staff: Client, draft: Broadcast) -> None:
    assert staff.get(address("act", draft.pk, "start"), {"starts_at": ""}).status_code == 200
    assert staff.post(address("act", draft.pk, "explode")).status_code == 404
    assert Broadcast.objects.get().status == "draft"


def test_the_list_shows_how_far_it_is(staff: Client, draft: Broadcast) -> None:
    do(staff, draft, "start")
    preview = address("preview", draft.pk)
    assert f'<a href="{preview}">Preview</a>' in text(staff.get(address("changelist")))
    Broadcast.objects.update(status="sending", started_at=timezone.now())
    assert "0 / 0 / 1 (0 %)" in text(staff.get(address("changelist")))
    assert "0 sent, 0 failed, 1 wanted (0 %)" in text(staff.get(preview))
