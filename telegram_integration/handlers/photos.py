"""Photos that people send, and what becomes of them."""

from __future__ import annotations

import uuid
from datetime import timedelta as td

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import ledger, words
from billing.catalogue import listed_price
from billing.problem import Problem
from generation import photos
from generation.models import Photo, Zone
from generation.problems import HINTS, refused
from telegram_integration import saying
from telegram_integration.calls import Call
from telegram_integration.keyboards import Button, Keyboard, button, page
from telegram_integration.models import OutgoingMessage, Talk

ALBUM_SECONDS = 1.5
"""How long the next photo of an album is waited for."""
MOST = 10
Step = Talk.Step


def photo(call: Call) -> None:
    """A photo or an image file. A caption is the prompt; else it depends on what was asked for."""
    talk, sent = call.talk, call.photo
    if group := call.message.media_group_id:
        _album(call, talk, group)
    elif call.words:
        remember(talk, sent)
        call.ask({"tool": "edit", "base": str(sent.code), "prompt": call.words})
    elif talk.step == Step.PERSON:
        await_item(call, talk, sent)
    elif talk.step == Step.ITEM and talk.person and not talk.person.deleted_at:
        choose_zone(call, talk.person, sent)
    else:
        remember(talk, sent)
        call.say(what_to_do(sent), deeds(sent, call.chat_id))


def remember(talk: Talk, base: Photo) -> None:
    """Words that follow are about this picture."""
    Talk.objects.filter(pk=talk.pk).update(base=base, step="", album="", photos=[])


def what_to_do(sent: Photo) -> str:
    hints = [str(HINTS[code]) for code in sent.hints]
    return "\n".join([*hints, _("What shall I do with it?")])


def deeds(sent: Photo, chat_id: int) -> Keyboard:
    """What can be done with it, here or with more room on the pages."""
    editor = f"{reverse('edit')}?photo={sent.code}"
    return [
        [button(_("Try something on"), "new", "tryon", sent.code)],
        [button(_("Change it by words"), "new", "edit", sent.code)],
        [button(_("Ask the assistant"), "new", "talk", sent.code)],
        [button(_("Rotate or crop, free"), "menu", sent.code)],
        page(_("Open in the studio"), editor, chat_id=chat_id),
    ]


def await_item(call: Call, talk: Talk, person: Photo) -> None:
    Talk.objects.filter(pk=talk.pk).update(step=Step.ITEM, person=person, base=person)
    call.say(_("Good. Now send a photo of what to try on, on a plain background."))


def choose_zone(call: Call, person: Photo, item: Photo) -> None:
    """Where it goes. Each button says what it costs, and carries both photos."""
    Talk.objects.filter(pk=call.talk.pk).update(step="", person=person, base=person)
    price = price_words(call, "tryon")
    rows = [
        [button(f"{zone.label} · {price}", "zone", zone.value, person.code, item.code)]
        for zone in Zone
    ]
    rows.append(_wizard(call, _("Open in the studio"), person.code, item.code))
    call.say(_("What is it?"), rows)


def _wizard(call: Call, text: str, person: uuid.UUID, item: uuid.UUID) -> list[Button]:
    """The page with both photos in it already."""
    path = f"{reverse('tryon')}?person={person}&item={item}"
    return page(text, path, chat_id=call.chat_id)


def price_words(call: Call, tool: str) -> str:
    bill = ledger.quote(listed_price(tool), ledger.balance(call.user.pk))
    return words.units(bill.unit, bill.amount)


def _album(call: Call, talk: Talk, group: str) -> None:
    """One after the other they come; what is to be done is decided when no more do.

    The question is a message that waits, and each photo makes it wait a little longer.
    """
    before = talk.photos if talk.album == group else []
    codes = [*before, str(call.photo.code)][:MOST]
    base = talk.base if before else call.photo
    words = call.words or (talk.words if before else "")
    Talk.objects.filter(pk=talk.pk).update(
        album=group, photos=codes, base=base, words=words, step=""
    )
    asked = _("%(number)s photos. What shall I do with them?") % {"number": len(codes)}
    if len(codes) == 1:
        asked = what_to_do(call.photo)
    saying.postpone(
        call.chat_id, f"{words}\n\n{asked}" if words else asked,
        key=_album_key(call, group),
        keyboard=_deeds_of_many(call, [uuid.UUID(code) for code in codes], words, group),
        until=timezone.now() + td(seconds=ALBUM_SECONDS), data={"codes": codes, "words": words},
    )  # fmt: skip


def _album_key(call: Call, group: str) -> str:
    return f"album:{call.chat_id}:{group}"


def _deeds_of_many(call: Call, codes: list[uuid.UUID], caption: str, group: str) -> Keyboard:
    rows: Keyboard = []
    if caption:
        price = price_words(call, "edit")
        rows = [[button(_("Change the first so · %(price)s") % {"price": price}, "album", group)]]
    if len(codes) == 2:
        rows += [
            [button(_("Try the second on the first"), "pair", codes[0], codes[1])],
            [button(_("Try the first on the second"), "pair", codes[1], codes[0])],
        ]
    return (
        rows
        if caption
        else [*rows, [button(_("Change the first by words"), "new", "edit", codes[0])]]
    )


def album(call: Call, group: str) -> None:
    """The caption under several photos: the first is changed, the others show how."""
    asked = OutgoingMessage.objects.filter(key=_album_key(call, group)).first()
    if asked is None or not asked.data:  # what was erased has none
        raise refused("photo_unknown", status=404)
    base, *references = asked.data["codes"]
    wish = {"tool": "edit", "base": base, "references": references[:5]}
    call.ask(wish | {"prompt": asked.data["words"]})


def pair(call: Call, person: uuid.UUID, item: uuid.UUID) -> None:
    one, other = photos.of(call.user.pk, [person, item])
    choose_zone(call, one, other)


def begin(call: Call, deed: str, code: uuid.UUID) -> None:
    """A button under a photo: what to do with it."""
    (chosen,) = photos.of(call.user.pk, [code])
    talk = call.talk
    if deed == "tryon":
        await_item(call, talk, chosen)
        return
    step = Step.WORDS if deed == "edit" else ""
    Talk.objects.filter(pk=talk.pk).update(base=chosen, step=step)
    if deed == "edit":
        call.say(_("Say what to change · %(price)s") % {"price": price_words(call, "edit")})
    else:
        said = _("Tell me what you would like, and I propose three ways · %(price)s")
        call.say(said % {"price": price_words(call, "assistant")})


def try_on(call: Call, zone: str, person: uuid.UUID, item: uuid.UUID) -> None:
    """Where the studio cannot tell the place, it is drawn on the page: a chat has no frames."""
    wish = {"tool": "tryon", "person": str(person), "item": str(item), "zone": zone}
    try:
        call.ask(wish)
    except Problem as problem:
        drawing = _wizard(call, _("Show where it goes"), person, item)
        if "zone" not in problem.data or not drawing:
            raise
        call.say(str(problem.message), [drawing])
