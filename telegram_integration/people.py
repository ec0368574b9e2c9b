"""Signing people in: from Telegram's init data, or as a guest of the demo."""

from __future__ import annotations

import secrets
from datetime import timedelta as td

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from telegram import Update

from billing import ledger, referrals
from billing.problem import Problem
from telegram_integration import erasing, init_data
from telegram_integration.models import UsedInitData, User

WROTE_EVERY = td(hours=1)
REASONS = {
    "malformed": _("This sign-in link is damaged. Open the studio from the bot once more."),
    "forged": _("This sign-in link was not made by Telegram. Open the studio from the bot."),
    "stale": _("This sign-in link is too old. Close the studio and open it from the bot again."),
    "used": _("This sign-in link was already used. Close the studio and open it again."),
    "banned": _("This account is closed."),
    "no_bot": _("This studio has no bot connected, so Telegram sign-in is off."),
}


def _refused(reason: str, status: int = 401) -> Problem:
    return Problem(f"init_data_{reason}", REASONS[reason], status=status)


def from_telegram(raw: str, invite: str = "") -> User:
    """The person whom this init data proves, made on first sight. One string signs in once.

    A newcomer was invited by the link's start parameter, or by ``invite``, a code from the web.
    """
    person = _verified(raw)
    with transaction.atomic():
        user, is_new = _known(person)
        if not user.is_active:
            raise _refused("banned", 403)
        _use_up(raw, user)
        if is_new:
            _open_account(user)
            referrals.bind(user.pk, referrals.code_in(person.start_param) or invite)
    return user


def _open_account(user: User) -> None:
    """Who erased themselves and is back gets nothing for being new."""
    if erasing.was_here(user.telegram_id):
        ledger.open_account_again(user.pk)
    else:
        ledger.open_account(user.pk)


def _verified(raw: str) -> init_data.Person:
    now = timezone.now()
    try:
        if settings.TELEGRAM_BOT_TOKEN:
            return init_data.verify(raw, settings.TELEGRAM_BOT_TOKEN, now)
        if settings.TELEGRAM_BOT_ID:
            return init_data.verify_signature(
                raw, settings.TELEGRAM_BOT_ID, settings.TELEGRAM_PUBLIC_KEY, now
            )
    except init_data.Invalid as invalid:
        raise _refused(invalid.reason) from None
    raise _refused("no_bot", 503)


def _known(person: init_data.Person) -> tuple[User, bool]:
    """Names follow Telegram; the language is the person's own choice after the first time.

    Also whether this is that first time.
    """
    user, created = User.objects.get_or_create(
        telegram_id=person.id,
        defaults={
            "username": f"tg{person.id}",
            "language": studio_language(person.language_code),
            "password": make_password(None),
        },
    )
    names = {"first_name": person.first_name, "last_name": person.last_name}
    if any(getattr(user, name) != value for name, value in names.items()):
        User.objects.filter(pk=user.pk).update(**names)
        user.first_name, user.last_name = person.first_name, person.last_name
    return user, created


def of_update(update: Update) -> User | None:
    """Whoever sent this update, known from now on. None: a bot, or nobody."""
    sender = update.effective_user
    if sender is None or sender.is_bot:
        return None
    person = init_data.Person(
        id=sender.id, first_name=sender.first_name, last_name=sender.last_name or "",
        language_code=sender.language_code or "",
    )  # fmt: skip
    with transaction.atomic():
        user, is_new = _known(person)
        if is_new:
            _open_account(user)
        _note_chat(user, update)
    return user


def _note_chat(user: User, update: Update) -> None:
    """Who writes to us in private may be written to."""
    chat = update.effective_chat
    if chat is None or chat.type != "private" or update.my_chat_member:
        return
    now = timezone.now()
    lately = user.wrote_at and now - user.wrote_at < WROTE_EVERY
    if not lately or user.blocked_at:
        user.chat_since, user.wrote_at, user.blocked_at = user.chat_since or now, now, None
        user.save(update_fields=["chat_since", "wrote_at", "blocked_at"])


def membership(user: User, status: str) -> None:
    """The person blocked the bot, or let it in again."""
    user.blocked_at = timezone.now() if status == "kicked" else None
    user.save(update_fields=["blocked_at"])


def speak_to(user: User, language: str) -> None:
    """Their own choice from now on, in the chat and on the pages."""
    user.language = language
    user.save(update_fields=["language"])


def _use_up(raw: str, user: User) -> None:
    try:
        with transaction.atomic():
            UsedInitData.objects.create(digest=init_data.digest(raw), user=user)
    except IntegrityError:
        raise _refused("used") from None


def is_of(user: User, raw: str) -> bool:
    """Whether this init data is the person's own: a page that reloads sends it again."""
    try:
        return user.telegram_id == _verified(raw).id
    except Problem:
        return False


def make_guest(invite: str = "") -> User:
    """A person of the demo, with the language of the page that they came from."""
    with transaction.atomic():
        user = User.objects.create_user(
            f"guest-{secrets.token_hex(6)}",
            first_name=translation.gettext("Guest"),
            language=studio_language(translation.get_language() or ""),
            guest=True,
        )
        ledger.open_account(user.pk)
        referrals.bind(user.pk, invite)
    return user


def studio_language(code: str) -> str:
    """Russian for Telegram's ``ru`` and its neighbours' variants, English for all others."""
    return "ru" if code.lower().startswith("ru") else "en"
