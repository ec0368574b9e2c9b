"""What the bot says of itself, per language and place, and what it may ask of a chat."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.vendors.botapi.markup import examine_web_app_url
from tests.vendors.botapi.params import Params, need
from tests.vendors.botapi.world import Group, World

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
LANGUAGE = re.compile(r"([a-z]{2})?")
SCOPES = {
    "default": set(), "all_private_chats": set(), "all_group_chats": set(),
    "all_chat_administrators": set(), "chat": {"chat_id"}, "chat_administrators": {"chat_id"},
    "chat_member": {"chat_id", "user_id"},
}  # fmt: skip
TEXTS = {
    "Name": ("name", 64), "Description": ("description", 512),
    "ShortDescription": ("short_description", 120),
}  # fmt: skip


class Profile:
    """``commands`` by scope and language, ``texts`` by name and language, ``menus`` by chat."""

    def __init__(self) -> None:
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.menus: dict[int, dict[str, Any]] = {0: {"type": "commands"}}

    @property
    def methods(self) -> dict[str, Callable[[World, Params], Any]]:
        texts = {f"setMy{name}": self._setter(*about) for name, about in TEXTS.items()}
        texts |= {f"getMy{name}": self._getter(about[0]) for name, about in TEXTS.items()}
        return {
            **texts, "setMyCommands": self._set_commands, "getMyCommands": self._get_commands,
            "deleteMyCommands": self._delete_commands, "setChatMenuButton": self._set_menu,
            "getChatMenuButton": self._get_menu,
        }  # fmt: skip

    def _set_commands(self, world: World, params: Params) -> bool:
        commands = params.data("commands")
        need(isinstance(commands, list), "expected an Array of bot commands")
        need(len(commands) <= 100, "BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            need(COMMAND.fullmatch(command.get("command", "")), "BOT_COMMAND_INVALID")
            words = command.get("description", "")
            need(1 <= len(words) <= 256, "BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[_place(params)] = commands
        return True

    def _get_commands(self, world: World, params: Params) -> list[dict[str, str]]:
        return self.commands.get(_place(params), [])

    def _delete_commands(self, world: World, params: Params) -> bool:
        self.commands.pop(_place(params), None)
        return True

    def _set_menu(self, world: World, params: Params) -> bool:
        button = params.data("menu_button") or {"type": "default"}
        need(button.get("type") in ("default", "commands", "web_app"), "unsupported menu button")
        if button["type"] == "web_app":
            need(button.get("text"), "can't parse menu button: Can't find field \"text\"")
            examine_web_app_url(button.get("web_app", {}).get("url", ""), "menu button")
        chat = world.chat(params).id if "chat_id" in params else 0
        self.menus[chat] = button
        return True

    def _get_menu(self, world: World, params: Params) -> dict[str, Any]:
        return self.menus.get(params.number("chat_id"), self.menus[0])

    def _setter(self, name: str, longest: int) -> Callable[[World, Params], bool]:
        def put(world: World, params: Params) -> bool:
            need(len(params.text(name)) <= longest, f"{name.replace('_', ' ')} is too long")
            self.texts[name, _language(params)] = params.text(name)
            return True

        return put

    def _getter(self, name: str) -> Callable[[World, Params], dict[str, str]]:
        def say(world: World, params: Params) -> dict[str, str]:
            words = self.texts.get((name, _language(params))) or self.texts.get((name, ""))
            return {name: words or ""}

        return say


def get_chat(world: World, params: Params) -> dict[str, Any]:
    chat = world.chat(params)
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription"), True
    )
    full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
    return {**chat.chat, **full, "accepted_gift_types": {**gifts, "gifts_from_channels": True}}


def get_chat_member(world: World, params: Params) -> dict[str, Any]:
    chat, number = world.chat(params), params.number("user_id")
    need(number > 0, "invalid user_id specified")
    if number == world.bot["id"] and isinstance(chat, Group):
        return member(world.bot, chat.bot)
    person = world.chats.get(number)
    need(person, "user not found")
    inside = isinstance(chat, Group) and number in chat.members
    return member(person.user, "member" if inside else "left")  # type: ignore[union-attr]


def leave_chat(world: World, params: Params) -> bool:
    chat = world.chat(params)
    need(isinstance(chat, Group), "chat member status can't be changed in private chats")
    chat.let_in()
    chat.bot = "left"  # type: ignore[union-attr]
    return True


def member(user: dict[str, Any], status: str) -> dict[str, Any]:
    """A ChatMember. Someone who was thrown out has no date of return."""
    rights = (
        "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages",
        "can_manage_video_chats", "can_restrict_members", "can_promote_members",
        "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories",
        "can_delete_stories",
    )  # fmt: skip
    more: dict[str, Any] = {"until_date": 0} if status == "kicked" else {}
    if status == "administrator":
        more = {right: right != "is_anonymous" for right in rights}
    return {"user": user, "status": status, **more}


def _place(params: Params) -> tuple[str, str]:
    scope = params.data("scope") or {"type": "default"}
    fields = SCOPES.get(scope.get("type"))
    need(fields is not None, "can't parse BotCommandScope: Unsupported type specified")
    need(fields <= scope.keys(), f"can't parse BotCommandScope: {fields} must be given")  # type: ignore[operator]
    return json.dumps(scope, sort_keys=True), _language(params)


def _language(params: Params) -> str:
    code = params.text("language_code")
    need(LANGUAGE.fullmatch(code), "invalid language code specified")
    return code


METHODS = {"getChat": get_chat, "getChatMember": get_chat_member, "leaveChat": leave_chat}
