"""Was anything lost or done twice? Asked of the rows, the files and what stands in the chats.

How duplicates of texts are counted: every message that Telegram was asked for and accepted is held
against the rows that asked for it, by chat, words and buttons. What was accepted more often than
there are rows was sent twice.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections import Counter, defaultdict

from tests.chaos import verdict
from tests.chaos.chatter import Chatter
from tests.chaos.stand import Stand
from tests.vendors.botapi import BotApi

IN_DOUBT = "nobody knows whether it arrived"
SENDING = ("sendMessage", "sendInvoice")
Text = tuple[int, str, str]

PICTURES = """
    SELECT u.telegram_id, CASE WHEN m.inline_message_id = '' THEN c.chat_id ELSE u.telegram_id END,
    p.master, m.inline_message_id
    FROM generation_photo p JOIN generation_job j ON j.id = p.job_id
    JOIN telegram_integration_user u ON u.id = p.owner_id
    LEFT JOIN telegram_integration_chatjob c ON c.job_id = j.id
    LEFT JOIN telegram_integration_outgoingmessage m ON m.id = c.message_id
    WHERE p.deleted_at IS NULL"""


def findings(stand: Stand, api: BotApi, crowd: list[Chatter], killed: list[float]) -> list[str]:
    """One sentence for each thing that must not be."""
    return [
        *(trouble for one in crowd for trouble in one.trouble),
        *_updates(stand, api), *_messages(stand), *_wishes(stand, crowd), *verdict.money(stand),
        *_ends(stand), *_pictures(stand, api, crowd), *_places(stand, api, crowd),
        *_files(api, crowd), *_purchases(stand, api, crowd), *_favourites(stand, crowd),
        *_duplicates(stand, api, killed), *_pace(api), *verdict.audit(stand),
    ]  # fmt: skip


def _updates(stand: Stand, api: BotApi) -> list[str]:
    """Each that Telegram had is a row that was answered, without trouble."""
    rows = stand.rows("SELECT update_id, done_at, trouble FROM telegram_integration_incoming")
    kept = {number for number, update in api.updates.all.items() if "inline_query" not in update}
    lost = kept - {number for number, _done, _trouble in rows}
    wrong = [f"update {number} was lost" for number in lost]
    wrong += [f"update {number} is not answered" for number, done, _why in rows if done is None]
    return wrong + [f"update {number}: {why}" for number, _done, why in rows if why]


def _messages(stand: Stand) -> list[str]:
    """Each was sent. One of which nobody knows whether it was is given up on purpose, and its
    place is taken by another."""
    rows = stand.rows(
        "SELECT method, state, trouble, body::text FROM telegram_integration_outgoingmessage "
        "WHERE state <> 'sent' AND trouble <> %s",
        IN_DOUBT,
    )
    return [f"{method} {state}: {trouble} {body[:80]}" for method, state, trouble, body in rows]


def _wishes(stand: Stand, crowd: list[Chatter]) -> list[str]:
    """As many jobs of each kind as were asked for, with the words that were said."""
    made: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
    for who, tool, prompt in stand.rows(
        "SELECT u.telegram_id, j.tool, j.prompt FROM generation_job j "
        "JOIN telegram_integration_user u ON u.id = j.owner_id"
    ):
        words = prompt if prompt.startswith("wish ") and tool != "tryon" else ""
        made[who][tool, words] += 1
    wrong = []
    for one in crowd:
        jobs = made[one.phone.user]
        wrong += [
            f"{one.phone.user}: {wish} was asked for and is no job" for wish in one.wishes - jobs
        ]
        wrong += [f"{one.phone.user}: {wish} is a job too many" for wish in jobs - one.wishes]
    return wrong


def _ends(stand: Stand) -> list[str]:
    open_ones = stand.rows("SELECT code::text, state FROM generation_job WHERE finished_at IS NULL")
    return [f"job {code} never ended: {state}" for code, state in open_ones]


def _pictures(stand: Stand, api: BotApi, crowd: list[Chatter]) -> list[str]:
    """Each result stands in the chat where it was asked for, once, as the studio stores it."""
    wanted: dict[int, Counter[bytes]] = defaultdict(Counter)
    for _who, chat, name, _place in stand.rows(PICTURES):
        wanted[chat][(stand.folder / "media" / name).read_bytes()] += 1
    wrong = []
    for chat in {place.chat for one in crowd for place in (one.phone, one.group)}:
        shown = Counter(one.photo for one in api.messages(chat) if one.by_bot and one.photo)
        missing, twice = wanted[chat] - shown, shown - wanted[chat]
        wrong += [f"{chat}: a picture never came"] * missing.total()
        wrong += [f"{chat}: a picture too many"] * twice.total()
    return wrong


def _places(stand: Stand, api: BotApi, crowd: list[Chatter]) -> list[str]:
    """What was sent by inline mode shows the picture that was asked for there."""
    made = {place: name for _who, _chat, name, place in stand.rows(PICTURES) if place}
    wrong = []
    for one in crowd:
        for place in one.places:
            shown, name = api.inline_message(place), made.get(place)
            if name and shown.photo != (stand.folder / "media" / name).read_bytes():
                wrong.append(f"{one.phone.user}: {place} shows {shown.words!r}, not its picture")
            if not (name or shown.words):
                wrong.append(f"{one.phone.user}: {place} says nothing")
    return wrong


def _files(api: BotApi, crowd: list[Chatter]) -> list[str]:
    wrong = []
    for one in crowd:
        came = sum(m.document is not None for m in api.messages(one.phone.chat) if m.by_bot)
        if came != one.files.total():
            wrong.append(f"{one.phone.user}: {came} files for {one.files.total()} presses")
    return wrong


def _purchases(stand: Stand, api: BotApi, crowd: list[Chatter]) -> list[str]:
    """What Telegram took is what the books have, and each was credited once."""
    wrong = []
    for one in crowd:
        ((paid, granted),) = stand.rows(
            "SELECT count(*), coalesce(sum(l.granted), 0) FROM billing_payment p "
            "JOIN billing_account a ON a.id = p.account_id "
            "JOIN telegram_integration_user u ON u.id = a.user_id "
            "JOIN billing_lot l ON l.id = p.lot_id "
            "WHERE p.status = 'succeeded' AND u.telegram_id = %s", one.phone.user,
        )  # fmt: skip
        charged = sum(charge.person == one.phone.user for charge in api.books.charges.values())
        if (paid, granted, charged) != (one.bought, one.bought * 100, one.bought):
            wrong.append(f"{one.phone.user} bought {one.bought} times: {charged} charges, "
                         f"{paid} payments, {granted} credits")  # fmt: skip
    return wrong


def _favourites(stand: Stand, crowd: list[Chatter]) -> list[str]:
    """A heart that was pressed twice is empty again: each press counted once."""
    kept = dict(stand.rows(
        "SELECT u.telegram_id, count(*) FROM generation_photo p "
        "JOIN telegram_integration_user u ON u.id = p.owner_id "
        "WHERE p.favourite AND p.deleted_at IS NULL GROUP BY 1"
    ))  # fmt: skip
    wrong = []
    for one in crowd:
        there = {picture.id for picture, _wish in one.pictures}
        full = sum(full for number, full in one.favourites.items() if number in there)
        if kept.get(one.phone.user, 0) != full:
            wrong.append(f"{one.phone.user}: {kept.get(one.phone.user, 0)} favourites, not {full}")
    return wrong


def _duplicates(stand: Stand, api: BotApi, killed: list[float]) -> list[str]:
    """At most one of each text, and no more in all than there were kills."""
    rows = _rows(stand)
    twice: list[tuple[float, Text]] = []
    for text, times in _accepted(api).items():
        extra = len(times) - rows[text]
        twice += [(at, text) for at in sorted(times)[len(times) - extra :]] if extra > 0 else []
    after = Counter(bisect(killed, at) for at, _text in twice)
    most = max(after.values(), default=0)
    print(f"  texts sent twice: {len(twice)} after {len(killed)} kills, at most {most} after one")
    for at, text in sorted(twice):
        print(f"    after kill {bisect(killed, at)}: {text[1][:60]!r} to {text[0]}")
    wrong = [f"{text[1][:60]!r} came {number + 1} times"
             for text, number in Counter(text for _at, text in twice).items()
             if number > rows[text]]  # fmt: skip
    if len(twice) > len(killed):
        wrong.append(f"{len(twice)} texts too many after {len(killed)} kills")
    return wrong + ([f"{after[0]} texts too many before the first kill"] if after[0] else [])


def _rows(stand: Stand) -> Counter[Text]:
    return Counter(
        _text(method, chat, body)
        for chat, method, body in stand.rows(
            "SELECT chat_id, method, body FROM telegram_integration_outgoingmessage "
            "WHERE method = ANY(%s) AND tries > 0",
            list(SENDING),
        )
    )


def _accepted(api: BotApi) -> dict[Text, list[float]]:
    found: dict[Text, list[float]] = defaultdict(list)
    for call in api.sent:
        if call.method in SENDING:
            found[_text(call.method, call.chat_id, call.values)].append(call.at)
    return found


def _text(method: str, chat: int, body: dict[str, object]) -> Text:
    keys = body.get("reply_markup") or "{}"
    buttons = json.dumps(json.loads(keys) if isinstance(keys, str) else keys, sort_keys=True)
    words = body.get("text") or body.get("payload") or method
    return chat, str(words), buttons


def _pace(api: BotApi) -> list[str]:
    late = [call for call in api.refused if "retry after" in call.why]
    wrong = [f"{len(late)} times Telegram told us to wait"] if late else []
    return wrong + [f"{len(api.offences)} messages after it had"] * bool(api.offences)
