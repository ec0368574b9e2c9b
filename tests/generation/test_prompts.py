"""Prompts are versions: staff write, preview, reset and restore them, nothing is ever lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from generation import preview, prompts, studio, worker
from generation.models import PROMPT_LIMIT, Photo, Prompt, Zone
from generation.providers.base import Config
from generation.providers.chat import Chat
from telegram_integration.models import User
from tests.conftest import Obedient
from tests.vendors import chat as chat_stub

pytestmark = pytest.mark.django_db

NAMES = [*Zone.values, "assistant"]


def address(act: str, *args: object) -> str:
    return reverse(f"admin:generation_prompt_{act}", args=args)


@pytest.fixture
def staff_with() -> Callable[..., Client]:
    def make(*permissions: str) -> Client:
        user = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def editor(staff_with: Callable[..., Client]) -> Client:
    return staff_with("view_prompt", "change_prompt")


def test_the_default_counts_until_somebody_writes() -> None:
    assert prompts.current("head") == (0, prompts.DEFAULTS["head"])
    prompts.write("head", "A hat, please.")
    prompts.write("head", "Another hat.")
    assert prompts.current("head") == (2, "Another hat.")
    assert prompts.numbered("head", 1) == "A hat, please."
    assert prompts.numbered("head", 0) == prompts.DEFAULTS["head"]
    assert prompts.current("body")[0] == 0


def test_the_database_refuses_a_version_twice() -> None:
    prompts.write("head", "one")
    with pytest.raises(IntegrityError):
        Prompt.objects.create(name="head", number=1, text="two")


def test_there_is_one_line_for_each_name(editor: Client) -> None:
    for words in ("one", "two"):
        prompts.write("head", words)
    page = editor.get(address("changelist")).content.decode()
    assert re.findall(r"/prompt/([a-z]+)/edit/", page) == NAMES
    assert page.count("<td>default</td>") == len(NAMES) - 1
    assert "<td>2</td>" in page


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_a_page_that_shows_what_is_sent(editor: Client, name: str) -> None:
    page = editor.get(address("edit", name))
    assert page.status_code == 200
    assert prompts.DEFAULTS[name][:60] in unescape(page.content.decode())


def test_saving_writes_a_version_with_its_author(editor: Client) -> None:
    answer = editor.post(address("edit", "head"), {"text": "  A hat,\r\nplease.  "})
    assert answer.url == address("edit", "head")
    version = Prompt.objects.get()
    assert (version.number, version.text) == (1, "A hat,\nplease.")
    assert version.author.username == "view_prompt-change_prompt"


@pytest.mark.parametrize("text", ["", " \r\n ", "x" * (PROMPT_LIMIT + 1), "a\x00b"],
                         ids=["empty", "blank", "long", "null"])  # fmt: skip
def test_bad_words_are_refused_and_nothing_is_written(editor: Client, text: str) -> None:
    page = editor.post(address("edit", "head"), {"text": text})
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert not Prompt.objects.exists()


def test_line_breaks_count_once(editor: Client) -> None:
    text = "x\r\n" * (PROMPT_LIMIT // 2 - 1) + "xy"
    editor.post(address("edit", "head"), {"text": text})
    assert len(Prompt.objects.get().text) == PROMPT_LIMIT


def test_a_preview_shows_the_typed_words_and_writes_nothing(editor: Client) -> None:
    typed = {"text": "<b>A hat</b>, please.", "_preview": "Preview"}
    page = editor.post(address("edit", "head"), typed).content.decode()
    sent = page.partition('id="preview"')[2].partition('id="versions"')[0]
    assert "&lt;b&gt;A hat&lt;/b&gt;, please." in sent
    assert "image 1" in sent
    assert not Prompt.objects.exists()


def test_the_assistants_preview_is_the_whole_list_of_messages() -> None:
    order = preview.sample("assistant", "Be kind.")
    sent = preview.parts(order)
    assert [role for role, _text in sent] == ["system", "user", "assistant", "user"]
    assert sent[0][1].startswith("Be kind.")
    assert "Russian" in sent[0][1]
    assert [text for _role, text in sent[1:3]] == [text for _role, text in preview.SAMPLE_TALK]
    assert preview.SAMPLE_MESSAGE in sent[3][1]


def test_the_preview_is_what_the_assistants_endpoint_is_sent() -> None:
    order = preview.sample("assistant", "Be kind.")
    with chat_stub.ChatStub() as stub:
        config = Config(stub.url + chat_stub.PREFIX, chat_stub.KEY)
        Chat(config).start(order, lambda percent, stage: None)
        (sent,) = stub.talks
    assert [message["role"] for message in sent] == [role for role, _text in preview.parts(order)]
    assert sent[0]["content"] == preview.parts(order)[0][1]


def test_a_zones_preview_is_what_a_vendor_is_sent(
    person: User, provider: Obedient, photo_of: Callable[..., Photo]
) -> None:
    studio.try_on(person.pk, person=photo_of(person), item=photo_of(person, "red"), zone="head")
    worker.work()
    (order,) = provider.orders
    sample = preview.sample("head", prompts.current("head")[1])
    assert (sample.tool, sample.prompt, sample.zone) == (order.tool, order.prompt, order.zone)
    assert len(sample.pictures) == len(order.pictures)


def test_reset_is_a_new_version_with_the_default(editor: Client) -> None:
    prompts.write("head", "A hat, please.")
    editor.post(address("reset", "head"))
    assert prompts.current("head") == (2, prompts.DEFAULTS["head"])


def test_an_older_version_is_restored_as_a_new_one(editor: Client) -> None:
    for words in ("one", "two"):
        prompts.write("head", words)
    page = editor.get(address("edit", "head")).content.decode()
    assert address("restore", "head", 1) in page
    editor.post(address("restore", "head", 1))
    assert prompts.current("head") == (3, "one")


@pytest.mark.parametrize(
    ("act", "args"), [("edit", ["feet"]), ("reset", ["feet"]), ("restore", ["head", 9])]
)
def test_what_there_is_not_is_not_found(editor: Client, act: str, args: list[object]) -> None:
    assert editor.post(address(act, *args), {"text": "x"}).status_code == 404


def test_a_reset_needs_a_post(editor: Client) -> None:
    assert editor.get(address("reset", "head")).status_code == 405


def test_who_may_only_look_writes_nothing(staff_with: Callable[..., Client]) -> None:
    prompts.write("head", "one")
    viewer = staff_with("view_prompt")
    page = viewer.get(address("edit", "head"))
    assert page.status_code == 200
    assert 'class="default"' not in page.content.decode()
    assert viewer.post(address("edit", "head"), {"text": "two"}).status_code == 403
    for act in (address("reset", "head"), address("restore", "head", 1)):
        assert viewer.post(act).status_code == 403
    assert prompts.current("head") == (1, "one")


def test_staff_without_the_right_do_not_even_look(staff_with: Callable[..., Client]) -> None:
    client = staff_with()
    for page in (address("changelist"), address("edit", "head")):
        assert client.get(page).status_code == 403
    assert client.post(address("edit", "head"), {"text": "two"}).status_code == 403


def test_people_are_sent_to_sign_in(client: Client, person: User) -> None:
    client.force_login(person)
    assert client.get(address("edit", "head")).status_code == 302


def test_a_version_itself_never_changes(editor: Client) -> None:
    version = prompts.write("head", "one")
    change = address("change", version.pk)
    assert editor.get(change).status_code == 200
    assert editor.post(change, {"text": "two"}).status_code == 403
    assert editor.post(address("delete", version.pk), {"post": "yes"}).status_code == 403


def test_the_pages_keep_to_the_policy(editor: Client) -> None:
    prompts.write("head", "one")
    for page in (address("changelist"), address("edit", "head")):
        html = editor.get(page).content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)[^>]*>", html)
