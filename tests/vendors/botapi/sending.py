"""Messages that the bot writes, changes and takes away."""

from __future__ import annotations

from typing import Any

from tests.vendors.botapi.entities import body, caption
from tests.vendors.botapi.files import File
from tests.vendors.botapi.markup import inline_markup, markup
from tests.vendors.botapi.params import Params, need
from tests.vendors.botapi.world import Group, Message, Person, World

ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note",
    "upload_video_note",
}  # fmt: skip
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
DELETABLE_SECONDS = 48 * 3600
MEDIA = ("photo", "document")


def send_message(world: World, params: Params) -> Message:
    text, entities = body(params)
    return post(world, params, world.writable(params), text=text, entities=entities)


def send_photo(world: World, params: Params) -> Message:
    return _send_file(world, params, "photo")


def send_document(world: World, params: Params) -> Message:
    return _send_file(world, params, "document")


def send_media_group(world: World, params: Params) -> list[Message]:
    """The album of two to ten that is documented; its pictures and documents do not mix."""
    need("media" in params, 'parameter "media" is required')
    items = params.data("media")
    need(isinstance(items, list) and items, "there are no messages to send")
    need(2 <= len(items) <= 10, "album must include 2-10 items")
    mixed = len({item.get("type") for item in items}) > 1
    need(not mixed, "Can't use the media of the specified type in the album")
    contents = [_media(world, item, params) for item in items]
    chat, group = world.writable(params), world.number()
    return [post(world, params, chat, media_group_id=group, **content) for content in contents]


def send_chat_action(world: World, params: Params) -> bool:
    need(params.text("action") in ACTIONS, "wrong parameter action in request")
    world.writable(params)
    return True


def edit_text(world: World, params: Params) -> Any:
    text, entities = body(params)
    message = _editable(world, params)
    need("text" in message, "there is no text in the message to edit")
    return _change(world, params, message, text=text, entities=entities)


def edit_caption(world: World, params: Params) -> Any:
    text, entities = caption(params)
    message = _editable(world, params)
    need(any(kind in message for kind in MEDIA), "there is no caption in the message to edit")
    return _change(world, params, message, caption=text, caption_entities=entities)


def edit_media(world: World, params: Params) -> Any:
    item = params.data("media")
    need(isinstance(item, dict), "media is not specified" if not item else "object expected")
    if "inline_message_id" in params:
        need(not _is_upload(item), "invalid message content specified")
    content = _media(world, item, params)
    message = _editable(world, params)
    gone = dict.fromkeys((*MEDIA, "text", "entities", "caption", "caption_entities"))
    return _change(world, params, message, **{**gone, **content})


def edit_markup(world: World, params: Params) -> Any:
    return _change(world, params, _editable(world, params))


def delete_message(world: World, params: Params) -> bool:
    chat = world.writable(params)
    message = world.said[chat.id].get(params.number("message_id"))
    need(params.number("message_id"), "message identifier is not specified")
    need(message, "message to delete not found")
    need(_deletable(world, chat, message), "message can't be deleted")  # type: ignore[arg-type]
    del world.said[chat.id][message["message_id"]]  # type: ignore[index]
    return True


def post(world: World, params: Params, chat: Person | Group, **content: Any) -> Message:
    """A new message of the bot with what any message may have: a reply, a keyboard."""
    replied = _replied(world, params, chat)
    keys = markup(params, private=chat.id > 0, invoice="invoice" in content)
    if keys and "inline_keyboard" in keys:
        content["reply_markup"] = keys
    elif keys:
        world.keyboards[chat.id] = keys
    protected = params.flag("protect_content")
    return world.post(
        chat, world.bot, reply_to_message=replied, has_protected_content=protected, **content
    )


def photo_content(file: File) -> dict[str, Any]:
    return {"photo": [size.shown for size in file.sizes]}


def _send_file(world: World, params: Params, kind: str) -> Message:
    content = _media(world, {**params.values, "type": kind, "media": params.text(kind)}, params)
    return post(world, params, world.writable(params), **content)


def _media(world: World, item: dict[str, Any], params: Params) -> dict[str, Any]:
    """A picture or a document with its caption. Without a reference it came under its own name."""
    kind = item.get("type", "")
    need(kind in MEDIA, f"can't parse InputMedia: this fake takes photos and documents, not {kind}")
    file = world.files.take(params, item.get("media") or f"attach://{kind}", kind)
    text, entities = caption(Params(item))
    content = photo_content(file) if kind == "photo" else {"document": file.shown}
    return {**content, "caption": text, "caption_entities": entities}


def _is_upload(item: dict[str, Any]) -> bool:
    """TDLib takes no new file into a message that was sent by inline mode."""
    return (item.get("media") or "attach://").startswith("attach://")


def _replied(world: World, params: Params, chat: Person | Group) -> Message | None:
    about = params.data("reply_parameters") or {}
    number = about.get("message_id") or params.number("reply_to_message_id")
    quoted = world.quoted(int(about.get("chat_id", chat.id)), number) if number else None
    name = "allow_sending_without_reply"
    optional = about.get(name) or params.flag(name) or not number
    need(quoted or optional, "message to be replied not found")
    return quoted


def _editable(world: World, params: Params) -> Message:
    if "inline_message_id" in params:
        message = world.inline.get(params.text("inline_message_id"))
        need(message, "MESSAGE_ID_INVALID")
        return message  # type: ignore[return-value]
    chat = world.writable(params)
    need(params.number("message_id"), "message identifier is not specified")
    message = world.said[chat.id].get(params.number("message_id"))
    need(message, "message to edit not found")
    need(message["from"]["id"] == world.bot["id"], "message can't be edited")  # type: ignore[index]
    return message  # type: ignore[return-value]


def _change(world: World, params: Params, message: Message, **content: Any) -> Any:
    """An edit without a keyboard takes the keyboard away."""
    private = message.get("chat", {}).get("type") == "private"
    keys = inline_markup(params, private=private, invoice="invoice" in message)
    after = {name: value or None for name, value in {**content, "reply_markup": keys}.items()}
    before = {name: message.get(name) for name in after}
    need(after != before, NOT_MODIFIED)
    message |= after | ({"edit_date": world.now} if content else {})
    for name in [name for name, value in message.items() if value is None]:
        del message[name]
    return True if "inline_message_id" in message else message


def _deletable(world: World, chat: Person | Group, message: Message) -> bool:
    """Others' messages in a group only for administrators, and nothing older than two days."""
    own = message["from"]["id"] == world.bot["id"]
    allowed = own or isinstance(chat, Person) or chat.bot == "administrator"
    return allowed and world.clock() - message["date"] <= DELETABLE_SECONDS


METHODS = {
    "sendMessage": send_message, "sendPhoto": send_photo, "sendDocument": send_document,
    "sendMediaGroup": send_media_group, "sendChatAction": send_chat_action,
    "editMessageText": edit_text, "editMessageCaption": edit_caption,
    "editMessageMedia": edit_media, "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete_message,
}  # fmt: skip
