"""Signing in a browser: the question in the chat, and its buttons."""

from __future__ import annotations

from django.utils.translation import gettext as _

from telegram_integration import logins, saying
from telegram_integration.calls import Call
from telegram_integration.keyboards import button
from telegram_integration.models import Lane, OutgoingMessage


def asked(call: Call, nonce: str) -> None:
    """`/start login_<nonce>`: was it you?"""
    login = logins.open_one(nonce)
    call.say(
        _(
            "Somebody wants to sign in to the studio in a browser as you. If it is you, press the "
            "number that you see there."
        ),
        [
            [button(one, "login", login.nonce, one) for one in logins.choices(login.nonce)],
            [button(_("It was not me"), "nologin", login.nonce)],
        ],
    )


def yes(call: Call, nonce: str, number: str) -> None:
    """Only with the number that the browser shows; a wrong one ends it."""
    if number != logins.number(nonce):
        logins.decline(nonce)
        _end(
            call, _("The browser shows another number, so nobody was signed in. Begin anew there.")
        )
        return
    logins.confirm(nonce, call.user)
    _end(call, _("You are signed in. Go back to the browser."))


def no(call: Call, nonce: str) -> None:
    logins.decline(nonce)
    _end(call, _("Nobody was signed in. If you did not ask for it, there is nothing to do."))


def _end(call: Call, text: str) -> None:
    """The answer takes the place of the question, so its buttons are gone."""
    asked_in = OutgoingMessage.objects.filter(
        chat_id=call.chat_id, message_id=call.message.message_id
    ).first()
    if asked_in:
        saying.change(asked_in, text, key=call.key(), lane=Lane.TALK)
    else:
        call.say(text)
