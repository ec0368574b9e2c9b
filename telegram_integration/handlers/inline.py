"""`@bot words` in any chat: what is offered there, and what becomes of what was chosen.

An offer costs nothing and changes nothing. Own pictures are sent as they are; an idea is drawn,
and charged to whoever chose it, when Telegram says that it was sent.
"""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import (
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResult,
    InlineQueryResultArticle,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
)

from billing import ledger, words
from billing.catalogue import listed_price
from billing.problem import Problem
from generation import ideas
from generation.models import Photo
from telegram_integration import filling, keyboards, people, saying
from telegram_integration.calls import Call
from telegram_integration.models import OutgoingMessage, User
from telegram_integration.telling import is_reachable

PICTURES = 20
"""In one answer. The next ones are asked for when somebody scrolls."""
FARTHEST = 1000
CACHE_SECONDS = 5
"""So that a letter typed and taken back is not asked for again. A picture that was deleted is not
offered for longer either."""
WORDS = 8
PLAIN = LinkPreviewOptions(is_disabled=True)
NAMES = {
    "short": gettext_lazy("Short"),
    "balanced": gettext_lazy("Balanced"),
    "detailed": gettext_lazy("Detailed"),
}


def offer(query: InlineQuery) -> dict[str, Any]:
    """What Telegram is answered, in the words of `answerInlineQuery`."""
    user = User.objects.filter(telegram_id=query.from_user.id).select_related("account").first()
    language = people.studio_language(query.from_user.language_code or "")
    with translation.override(user.language if user else language):
        if user and not user.is_active:
            return _answer([])
        if user is None or not is_reachable(user):
            return _answer([], button=_("Open the chat first"))
        return _offer(user, query)


def _offer(user: User, query: InlineQuery) -> dict[str, Any]:
    first = int(query.offset) if query.offset.isdecimal() else 0
    typed = query.query.strip()
    found = list(_pictures(user, typed)[first : first + PICTURES + 1]) if first < FARTHEST else []
    results = [] if first else _ideas(user, typed)
    results += [_picture(photo) for photo in found[:PICTURES]]
    more = str(first + PICTURES) if len(found) > PICTURES else ""
    hint = "" if results or first else _("Nothing yet. Write what you would like to see.")
    return _answer(results, next_offset=more, button=hint)


def _answer(
    results: list[InlineQueryResult], *, next_offset: str = "", button: str = ""
) -> dict[str, Any]:
    """Theirs alone. Telegram shows a button over the results, which leads to our own chat."""
    shown = InlineQueryResultsButton(button, start_parameter="inline") if button else None
    return {"results": results, "next_offset": next_offset, "button": shown,
            "cache_time": CACHE_SECONDS, "is_personal": True}  # fmt: skip


def _pictures(user: User, typed: str) -> QuerySet[Photo]:
    """The person's own results that Telegram has; whose words have all of these, if there are any.

    SQLite knows no small and capital letters but the Latin ones.
    """
    sent = OutgoingMessage.objects.filter(photo=OuterRef("pk")).exclude(file_id="")
    rows = Photo.objects.filter(owner=user.pk, job__isnull=False, deleted_at=None)
    for word in typed.split()[:WORDS]:
        both = Q(job__prompt__icontains=word) | Q(job__prompt__icontains=word.capitalize())
        rows = rows.filter(both | Q(job__prompt__icontains=word.lower()))
    known = rows.annotate(file_id=Subquery(sent.order_by("-pk").values("file_id")[:1]))
    return known.filter(file_id__isnull=False).order_by("-favourite", "-pk")


def _picture(photo: Photo) -> InlineQueryResult:
    return InlineQueryResultCachedPhoto(
        f"photo:{keyboards.short(photo.code)}", photo.file_id, parse_mode=None
    )


def _ideas(user: User, typed: str) -> list[InlineQueryResult]:
    price = _price(user)
    return [_idea(user, typed, idea, price) for idea in ideas.of(typed)]


def _price(user: User) -> str:
    bill = ledger.quote(listed_price("imagine"), ledger.balance(user.pk))
    price = words.units(bill.unit, bill.amount)
    return _("%(price)s, top up first") % {"price": price} if bill.missing else price


def _idea(user: User, typed: str, idea: ideas.Idea, price: str) -> InlineQueryResult:
    """Its id says what was added, and Telegram says the words again when it is chosen.

    The message needs a button from the beginning: without one we could not change it.
    """
    prompt = ideas.prompt(typed, idea.touches)
    text = _("“%(words)s” is being drawn…") % {"words": prompt}
    return InlineQueryResultArticle(
        f"idea:{'.'.join(idea.touches)}", f"{NAMES[idea.kind]} · {price}",
        InputTextMessageContent(text, parse_mode=None, link_preview_options=PLAIN),
        reply_markup=InlineKeyboardMarkup.de_json(keyboards.markup(filling.invitation(user))),
        description=prompt,
    )  # fmt: skip


def chosen(call: Call) -> None:
    """An idea is drawn in the place of its message; a picture of their own is there already."""
    picked = call.update.chosen_inline_result
    kind, _colon, touches = picked.result_id.partition(":")
    if kind != "idea" or not picked.inline_message_id:
        return
    if not is_reachable(call.user):
        _refuse(call, _("I draw for whoever has opened my chat. Open it, press Start and choose "
                        "once more. Nothing was charged."))  # fmt: skip
        return
    try:
        call.ask({"tool": "imagine", "prompt": ideas.prompt(picked.query, touches.split("."))})
    except Problem as problem:
        why, nothing = str(problem.message), _("Nothing was charged.")
        _refuse(call, why if nothing in why else f"{why} {nothing}")


def _refuse(call: Call, why: str) -> None:
    saying.change(
        saying.inline(call.inline_message_id), why, key=call.key(),
        keyboard=[keyboards.chat(_("Open the chat"), "inline")],
    )  # fmt: skip
