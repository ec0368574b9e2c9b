"""Rotate and crop, by buttons: free, and done before the finger is up."""

from __future__ import annotations

import uuid

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from generation.models import Photo
from generation.reshaping import Change, reshape
from telegram_integration import hand_over, saying
from telegram_integration.calls import Call
from telegram_integration.handlers import photos as sending
from telegram_integration.handlers.presses import photo_of, pressed
from telegram_integration.keyboards import Button, Keyboard, button, page

# What a button does, by the word that it carries.
CHANGES: dict[str, Change] = {
    "left": Change(degrees=270),
    "right": Change(degrees=90),
    "mirror": Change(mirror=True),
    "square": Change(aspect="1:1"),
    "portrait": Change(aspect="3:4"),
    "landscape": Change(aspect="4:3"),
    "tall": Change(aspect="9:16"),
    "wide": Change(aspect="16:9"),
}


def menu(call: Call, code: uuid.UUID) -> None:
    """The shapes take the place of the other buttons."""
    photo = photo_of(call, code)
    _put(call, _shapes(photo, call.chat_id))


def back(call: Call, code: uuid.UUID) -> None:
    photo = photo_of(call, code)
    _put(call, hand_over.offered(photo, call.chat_id))


def change(call: Call, name: str, code: uuid.UUID) -> None:
    """A new picture at once. Words that follow are about it."""
    if name in CHANGES:
        made = reshape(photo_of(call, code), CHANGES[name])
        sending.remember(call.talk, made)
        hand_over.put(call.chat_id, made, key=call.key())


def _shapes(photo: Photo, chat_id: int) -> Keyboard:
    def one(text: str, name: str) -> Button:
        return button(text, "shape", name, photo.code)

    left, right = pgettext("turn", "Left"), pgettext("turn", "Right")
    mirror = _("Mirror")
    path = reverse("reshape", args=[photo.code])
    return [
        [one(f"↺ {left}", "left"), one(f"↻ {right}", "right")],
        [one(f"⇄ {mirror}", "mirror")],
        [one(CHANGES[name].aspect, name) for name in ("square", "portrait", "landscape")],
        [one(CHANGES[name].aspect, name) for name in ("tall", "wide")],
        page(_("By hand"), path, chat_id=chat_id),
        [button("‹ " + _("Back"), "back", photo.code)],
    ]


def _put(call: Call, keyboard: Keyboard) -> None:
    """In the message that was pressed, or in a new one where we do not know it any more."""
    if message := pressed(call):
        saying.new_buttons(message, key=call.key(), keyboard=keyboard)
    else:
        call.say(_("What shall I do with it?"), keyboard)
