"""Somebody who does all that can be done in the chat, and remembers what should follow."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from tests.pictures import picture_file
from tests.vendors.botapi import BotApi, Phone, Seen

PATIENCE_SECONDS = 300  # nothing may be lost; how long it takes is not asked here
TIMES_PAID = 30  # how often somebody presses Pay again where the bot was too late to agree
TIMES_TYPED = 30
PACK = "100 credits"


class Chatter(threading.Thread):
    """One thing after the other in an order of their own, until ``over`` is set.

    ``wishes`` are the jobs asked for, by tool and words; ``bought`` counts purchases, ``files``
    how often each picture was asked for as a file, ``places`` are the messages that were sent by
    inline mode. ``trouble`` is what did not come.
    """

    def __init__(self, api: BotApi, who: int, group: int, over: threading.Event, seed: int) -> None:
        super().__init__(daemon=True)
        self.phone = Phone(api, who, patience=PATIENCE_SECONDS)
        self.group = Phone(api, who, group, patience=PATIENCE_SECONDS)
        self.over, self.dice = over, random.Random(seed + who)
        self.wishes: Counter[tuple[str, str]] = Counter()
        self.done: Counter[str] = Counter()
        self.files: Counter[int] = Counter()
        self.places: list[str] = []
        self.bought = 0
        self.favourites: dict[int, bool] = {}
        self.pictures: list[tuple[Seen, tuple[str, str]]] = []
        self.trouble: list[str] = []

    def run(self) -> None:
        try:
            self.phone.api.person(self.phone.user, first_name=f"P{self.phone.user}")
            self.phone.api.start(self.phone.user)
            self.phone.read("Hello, P")
            self.buy()
            while not self.over.is_set():
                self._a_round()
        except Exception as error:  # a thread that dies in silence would prove nothing
            self.trouble.append(f"{self.phone.user}: {type(error).__name__}: {error}")

    def _a_round(self) -> None:
        """Everything once, in another order each time."""
        for act in self.dice.sample(ACTS, len(ACTS)):
            if self.over.is_set():
                return
            time.sleep(self.dice.uniform(0.1, 1.0))
            act(self)
            self.done[act.__name__] += 1

    # ── what can be done ──────────────────────────────────────────────────────────────────────

    def imagine(self) -> None:
        wish = self._wish("imagine")
        self._wait(self.phone.say(f"/imagine {wish[1]}"), wish)

    def caption(self) -> None:
        wish = self._wish("edit")
        self._wait(self.phone.send(self._photo(), caption=wish[1]), wish)

    def try_on(self) -> None:
        sent = self.phone.send(self._photo())
        self.phone.tap(self.phone.read("What shall I do with it?", sent), "Try something on")
        self.phone.read("Now send a photo of what to try on", sent)
        item = self.phone.send(self._photo())
        self._choose_zone(item)

    def album(self) -> None:
        album = f"a{self.dice.random()}"
        self.phone.send(self._photo(), album=album)
        second = self.phone.send(self._photo(), album=album)
        asked = self.phone.see(lambda one: "2 photos." in one.words and one.buttons, second)
        self.phone.tap(asked, "Try the second on the first")
        self._choose_zone(asked)

    def captioned_album(self) -> None:
        album, wish = f"a{self.dice.random()}", self._wish("edit")
        self.phone.send(self._photo(), album=album, caption=wish[1])
        second = self.phone.send(self._photo(), album=album)
        asked = self.phone.see(lambda one: "2 photos." in one.words and one.buttons, second)
        self.phone.tap(asked, "Change the first so")
        self._wait(asked, wish)

    def reply(self) -> None:
        if self.pictures:
            picture, _wish = self.dice.choice(self.pictures)
            wish = self._wish("edit")
            self._wait(self.phone.say(wish[1], reply_to=picture), wish)

    def assistant(self) -> None:
        sent = self.phone.send(self._photo())
        asked = self.phone.read("What shall I do with it?", sent)
        self.phone.tap(asked, "Ask the assistant")
        self.phone.read("Tell me what you would like", sent)
        self.wishes["assistant", ""] += 1
        said = self.phone.say("make it warmer and brighter")
        answer = self._end(said)
        if "1. Short" in answer.labels:
            wish = ("edit", "")
            self.wishes[wish] += 1
            mark = self.phone.bottom()
            self.phone.tap(answer, self.dice.choice(["1.", "2.", "3."]))
            self._wait(mark, wish)

    def again(self) -> None:
        if self.pictures:
            picture, wish = self.dice.choice(self.pictures)
            self.wishes[wish] += 1
            mark = self.phone.bottom()
            self.phone.tap(picture, self.dice.choice(["Again", "Variation"]))
            self._wait(mark, wish)

    def favourite(self) -> None:
        if self.pictures:
            picture, _wish = self.dice.choice(self.pictures)
            before = self.favourites.get(picture.id, False)
            self.phone.tap(self.phone.now(picture), "♥" if before else "♡")
            self.favourites[picture.id] = not before
            heart = "♡" if before else "♥"
            self.phone.see(lambda one: one.id == picture.id and heart in one.labels)

    def file(self) -> None:
        if self.pictures:
            picture, _wish = self.dice.choice(self.pictures)
            self.files[picture.id] += 1
            mark = self.phone.bottom()
            self.phone.tap(picture, "As a file")
            self.phone.see(lambda one: one.document is not None, mark)

    def delete(self) -> None:
        if len(self.pictures) > 2:
            picture, _wish = self.pictures.pop(self.dice.randrange(len(self.pictures)))
            mark = self.phone.bottom()
            self.phone.tap(picture, "Delete")
            sure = self.phone.read("Delete this picture for good?", mark)
            self.phone.tap(sure, "Delete")
            self.phone.gone(picture)
            del self.files[picture.id]

    def cancel(self) -> None:
        """By the button, or by the command, or too late."""
        wish = self._wish("imagine")
        said = self.phone.say(f"/imagine {wish[1]}")
        if self.dice.random() < 0.5:
            status = self.phone.see(lambda one: bool(one.labels) or one.photo is not None, said)
            if "Cancel" in status.labels:
                self.phone.tap(status, "Cancel")
        else:
            self.phone.say("/cancel")
        self._wait(said, wish)

    def buy(self) -> None:
        said = self.phone.say("/buy")
        shop = self.phone.read("Choose what to buy", said)
        self.phone.tap(shop, PACK)
        invoice = self.phone.see(lambda one: "invoice" in one.raw, said)
        for _time in range(TIMES_PAID):
            try:
                self.phone.api.pay(self.phone.user, invoice)
                break
            except TimeoutError:
                continue
        else:
            raise AssertionError(f"nobody let them pay {TIMES_PAID} times")
        self.bought += 1
        self.phone.read("Thank you. 100 credits are here.", said)

    def in_group(self) -> None:
        wish = self._wish("imagine")
        said = self.group.say(f"/imagine {wish[1]}")
        self.group.see(lambda one: one.reply_to == said.id and _is_over(one), said)

    def inline(self) -> None:
        """In a friend's chat. Who is offered nothing types once more."""
        wish = self._wish("imagine")
        for _time in range(TIMES_TYPED):
            query = self.phone.api.inline(self.phone.user, wish[1])
            try:
                results = self.phone.api.answer_to(query, 10)["results"]
                break
            except TimeoutError:
                continue
        else:
            raise AssertionError(f"nothing was offered {TIMES_TYPED} times")
        place = self.phone.api.choose(self.phone.user, results[0]["id"], query)
        self.places.append(place)
        self.phone.api.wait_for(
            lambda: _is_over(self.phone.api.inline_message(place)), PATIENCE_SECONDS
        )

    def small_talk(self) -> None:
        command, answer = self.dice.choice(SAID)
        self.phone.read(answer, self.phone.say(command))

    # ── steps that several of them take ───────────────────────────────────────────────────────

    def _wish(self, tool: str) -> tuple[str, str]:
        wish = tool, f"wish {sum(self.wishes.values())}"
        self.wishes[wish] += 1
        return wish

    def _photo(self) -> bytes:
        colour = f"#{self.dice.randrange(0x404040, 0xF0F0F0):06x}"
        return picture_file(colour, (200 + self.dice.randrange(120), 280))

    def _choose_zone(self, after: Seen) -> None:
        zones = self.phone.read("What is it?", after)
        wish = ("tryon", "")
        self.wishes[wish] += 1
        self.phone.tap(zones, self.dice.choice(["Clothes", "Hat"]))
        self._wait(zones, wish)

    def _wait(self, mark: Seen, wish: tuple[str, str]) -> None:
        ended = self._end(mark)
        if ended.photo is not None:
            self.pictures.append((ended, wish))

    def _end(self, mark: Seen) -> Seen:
        return self.phone.see(_is_over, mark)


def _is_over(one: Seen) -> bool:
    """A picture, proposals, a failure or a cancellation: no status any more."""
    ends = {"1. Short", "Try again"}
    cancelled = one.words.startswith("Cancelled.") and not one.labels
    return one.photo is not None or bool(ends & set(one.labels)) or cancelled


SAID = [("/balance", "You have"), ("/help", "Send a photo, and I ask"), ("/terms", "Credits and")]
ACTS = [
    Chatter.imagine, Chatter.caption, Chatter.try_on, Chatter.album, Chatter.captioned_album,
    Chatter.reply, Chatter.assistant, Chatter.again, Chatter.favourite, Chatter.file,
    Chatter.delete, Chatter.cancel, Chatter.buy, Chatter.in_group, Chatter.inline,
    Chatter.small_talk,
]  # fmt: skip
