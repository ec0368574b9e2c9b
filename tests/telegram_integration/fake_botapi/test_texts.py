"""Texts and keyboards that the fake Bot API takes, and those that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot
from telegram.error import BadRequest

from tests.telegram_integration.fake_botapi.asking import (
    ANN,
    GROUP,
    PHOTO,
    ask,
    keys,
    last,
    text_to,
)
from tests.vendors.botapi import BotApi


async def test_a_message_arrives_and_is_seen(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ANN, "Hi <b>Ann</b>", parse_mode="HTML")
    assert (sent.text, sent.chat.type, sent.from_user.is_bot) == ("Hi Ann", "private", True)
    assert [(e.type, e.offset, e.length) for e in sent.entities] == [("bold", 3, 3)]
    assert last(telegram).text == "Hi Ann"
    assert telegram.sent[-1].method == "sendMessage"


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("1 < 2 > 1", 'Unsupported start tag "" at byte offset 2'),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a"'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler"'),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
    ],
)
def test_broken_html_is_refused(telegram: BotApi, html: str, why: str) -> None:
    answer = ask(telegram, "sendMessage", chat_id=ANN, text=html, parse_mode="HTML")
    assert answer["error_code"] == 400
    assert answer["description"].startswith(f"Bad Request: can't parse entities: {why}")


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("<strong>a</strong><em>b</em><ins>c</ins>", "abc", ["bold", "italic", "underline"]),
        ("<s>a</s><strike>b</strike><del>c</del>", "abc", ["strikethrough"] * 3),
        ("<u>a</u><i>b</i><code>c</code>", "abc", ["underline", "italic", "code"]),
        ('<tg-spoiler>a</tg-spoiler><span class="tg-spoiler">b</span>', "ab", ["spoiler"] * 2),
        ("<blockquote expandable>a</blockquote>", "a", ["blockquote"]),
        ('<tg-emoji emoji-id="5">👍</tg-emoji>', "👍", ["custom_emoji"]),
        ('<pre><code class="language-py">a</code></pre>', "a", ["pre"]),
        ('<a href="https://t.me/x?a=1&amp;b=2">a</a>', "a", ["text_link"]),
        ('<a href="nothing">a</a>', "a", []),
        ("a &lt;b&gt; &amp; &quot;&#33;&nbsp;", 'a <b> & "!&nbsp;', []),
        ("  /start 👍 #tag  ", "/start 👍 #tag", ["bot_command", "hashtag"]),
    ],
)  # fmt: skip
def test_good_html_becomes_entities(
    telegram: BotApi, html: str, text: str, kinds: list[str]
) -> None:
    sent = ask(telegram, "sendMessage", chat_id=ANN, text=html, parse_mode="HTML")["result"]
    assert (sent["text"], [one["type"] for one in sent.get("entities", [])]) == (text, kinds)


def test_offsets_are_counted_in_utf16(telegram: BotApi) -> None:
    html = " 👍<b>👍</b> @somebody"
    sent = ask(telegram, "sendMessage", chat_id=ANN, text=html, parse_mode="HTML")["result"]
    assert [(one["offset"], one["length"]) for one in sent["entities"]] == [(2, 2), (5, 9)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "message text is empty"),
        (" \n ", "text must be non-empty"),
        ("<b></b>", "text must be non-empty"),
        ("a" * 4097, "message is too long"),
        ("👍" * 2049, "message is too long"),
    ],
)
def test_a_text_has_1_to_4096_units(telegram: BotApi, text: str, why: str) -> None:
    answer = ask(telegram, "sendMessage", chat_id=ANN, text=text, parse_mode="HTML")
    assert answer["description"] == f"Bad Request: {why}"


def test_length_is_counted_after_parsing(telegram: BotApi) -> None:
    html = f"<b>{'a' * 4096}</b>"
    assert ask(telegram, "sendMessage", chat_id=ANN, text=html, parse_mode="HTML")["ok"]


async def test_a_caption_ends_at_1024(telegram: BotApi, bot: Bot) -> None:
    await bot.send_photo(ANN, PHOTO, caption="a" * 1024)
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_photo(ANN, PHOTO, caption="a" * 1025)
    assert len(last(telegram).caption) == 1024


def test_markdown_is_not_spoken(telegram: BotApi) -> None:
    answer = ask(telegram, "sendMessage", **text_to(ANN, parse_mode="MarkdownV3"))
    assert answer["description"] == "Bad Request: unsupported parse_mode"


@pytest.mark.parametrize(
    ("button", "why"),
    [
        ({"callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({"callback_data": ""}, "Text buttons are unallowed in the inline keyboard"),
        ({"text": "", "callback_data": "x"}, 'Can\'t find field "text"'),
        ({"url": "http://localhost/x"}, "Wrong HTTP URL"),
        ({"web_app": {"url": "http://x.test"}}, "Only HTTPS links are allowed"),
        ({"callback_data": "x", "style": "loud"}, "invalid button style specified"),
        ({"pay": True}, "BUTTON_TYPE_INVALID"),
        ({"copy_text": {"text": "x" * 257}}, "BUTTON_COPY_TEXT_INVALID"),
    ],
)
def test_a_wrong_button_is_refused(telegram: BotApi, button: dict[str, Any], why: str) -> None:
    answer = ask(telegram, "sendMessage", **text_to(ANN, reply_markup=keys(button)))
    assert answer["description"].endswith(why)


def test_callback_data_may_have_64_bytes(telegram: BotApi) -> None:
    button = {"callback_data": "я" * 32}
    assert ask(telegram, "sendMessage", **text_to(ANN, reply_markup=keys(button)))["ok"]


@pytest.mark.parametrize("kind", ["inline_keyboard", "keyboard"])
def test_a_mini_app_opens_in_private_only(telegram: BotApi, kind: str) -> None:
    board = {kind: [[{"text": "Open", "web_app": {"url": "https://x.test"}}]]}
    assert ask(telegram, "sendMessage", **text_to(ANN, reply_markup=board))["ok"]
    refused = ask(telegram, "sendMessage", **text_to(GROUP, reply_markup=board))
    assert refused["description"] == "Bad Request: BUTTON_TYPE_INVALID"


def test_a_keyboard_has_at_most_100_buttons(telegram: BotApi) -> None:
    board = keys(*[{"callback_data": "x"}] * 101)
    answer = ask(telegram, "sendMessage", **text_to(ANN, reply_markup=board))
    assert answer["description"] == "Bad Request: reply markup is too long"


def test_a_reply_keyboard_is_kept_apart(telegram: BotApi) -> None:
    board = {"keyboard": [["Menu"]]}
    sent = ask(telegram, "sendMessage", **text_to(ANN, reply_markup=board))["result"]
    assert "reply_markup" not in sent
    assert telegram.keyboard(ANN) == board
