"""What a bot answers to people who wait: pressed buttons, searches, permission to pay."""

from __future__ import annotations

from typing import Any

from tests.vendors.botapi.entities import body, caption
from tests.vendors.botapi.markup import START, examine_web_app_url, inline_markup
from tests.vendors.botapi.params import Params, need
from tests.vendors.botapi.sending import photo_content
from tests.vendors.botapi.world import World

PREPARED_SECONDS = 600


def answer_callback(world: World, params: Params) -> bool:
    query = world.settle("callback", params.required("callback_query_id"))
    need(len(params.text("text")) <= 200, "MESSAGE_TOO_LONG")
    own = f"https://t.me/{world.bot['username']}?start="
    url = params.text("url")
    need(not url or url.startswith((own, "tg://")), "URL_INVALID")
    query.answer = {**params.values, "show_alert": params.flag("show_alert")}
    return True


def answer_inline(world: World, params: Params) -> bool:
    query = world.settle("inline", params.required("inline_query_id"))
    results = params.data("results") or []
    need(isinstance(results, list), "expected an Array of inline query results")
    need(len(results) <= 50, "too many inline query results specified")
    contents = {result.get("id"): result_content(world, result) for result in results}
    need(len(contents) == len(results), "RESULT_ID_DUPLICATE")
    need(len(params.text("next_offset").encode()) <= 64, "NEXT_OFFSET_INVALID")
    _examine_button(params.data("button"))
    query.answer = {**params.values, "results": results, "contents": contents}
    return True


def answer_checkout(world: World, params: Params) -> bool:
    query = world.settle("checkout", params.required("pre_checkout_query_id"))
    ok = params.flag("ok")
    need(ok or params.text("error_message"), "ERROR_TEXT_EMPTY")
    query.answer = {**params.values, "ok": ok}
    return True


def save_prepared(world: World, params: Params) -> dict[str, Any]:
    """A result that the Mini App offers for sharing."""
    need(params.number("user_id") > 0, "invalid user_id specified")
    need(params.number("user_id") in world.chats, "user not found")
    result = params.data("result")
    need(isinstance(result, dict), "result is not specified")
    content = result_content(world, result)
    query = world.ask("prepared", params.number("user_id"), result=result, content=content)
    return {"id": query.id, "expiration_date": world.now + PREPARED_SECONDS}


def result_content(world: World, result: dict[str, Any]) -> dict[str, Any]:
    """The message that an inline result becomes. Raises Refusal for one that cannot be sent."""
    need(1 <= len(str(result.get("id", "")).encode()) <= 64, "RESULT_ID_INVALID")
    readers = {"article": _article, "photo": _photo, "document": _document}
    kind = result.get("type")
    need(kind in readers, f"can't parse inline query result: this fake does not know type {kind}")
    keys = inline_markup(Params(result), private=False)
    own = readers[kind](world, result)  # type: ignore[index]
    content = _written(result) or own
    return {name: value for name, value in {**content, "reply_markup": keys}.items() if value}


def _written(result: dict[str, Any]) -> dict[str, Any]:
    """The text that is sent instead of the result itself."""
    given = result.get("input_message_content")
    if not given:
        return {}
    text, entities = body(Params({**given, "text": given.get("message_text", "")}))
    return {"text": text, "entities": entities}


def _article(world: World, result: dict[str, Any]) -> dict[str, Any]:
    need(result.get("title"), "can't parse inline query result: Can't find field \"title\"")
    need(result.get("input_message_content"), "input message content is not specified")
    return {}


def _photo(world: World, result: dict[str, Any]) -> dict[str, Any]:
    """A picture known by its id, or one on the web, which needs a small picture too."""
    text, entities = caption(Params(result))
    words = {"caption": text, "caption_entities": entities}
    url = result.get("photo_url")
    if not url:
        file = world.files.take(Params({}), result.get("photo_file_id", ""), "photo")
        return {**photo_content(file), **words}
    need(url.startswith("https://"), "WEBDOCUMENT_URL_INVALID")
    need(result.get("thumbnail_url"), "PHOTO_THUMB_URL_EMPTY")
    if url not in world.files.web:
        return {"photo": [{"file_id": url}], **words}
    return {**photo_content(world.files.take(Params({}), url, "photo")), **words}


def _document(world: World, result: dict[str, Any]) -> dict[str, Any]:
    need(result.get("title"), "can't parse inline query result: Can't find field \"title\"")
    file = world.files.take(Params({}), result.get("document_file_id", ""), "document")
    text, entities = caption(Params(result))
    return {"document": file.shown, "caption": text, "caption_entities": entities}


def _examine_button(button: dict[str, Any] | None) -> None:
    """The button over the results leads into the chat by a deep link, or into a Mini App."""
    if not button:
        return
    about = "can't parse inline query results button: "
    need(button.get("text"), f'{about}Can\'t find field "text"')
    both = f"{about}InlineQueryResultsButton must have exactly one optional field"
    need(("start_parameter" in button) != ("web_app" in button), both)
    if "web_app" in button:
        return examine_web_app_url(button["web_app"].get("url", ""), "inline query results button")
    need(START.fullmatch(button["start_parameter"]), "START_PARAM_INVALID")


METHODS = {
    "answerCallbackQuery": answer_callback, "answerInlineQuery": answer_inline,
    "answerPreCheckoutQuery": answer_checkout, "savePreparedInlineMessage": save_prepared,
}  # fmt: skip
