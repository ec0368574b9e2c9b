"""People who pay with Telegram Stars."""

from __future__ import annotations

from typing import Any

from tests.vendors.botapi.payments import Books, Charge, Invoice, paid_content, returned_content
from tests.vendors.botapi.people import People
from tests.vendors.botapi.seen import Seen
from tests.vendors.botapi.world import World


class Declined(Exception):
    """The bot did not let a payment happen, and says why."""


class Buyers(People):
    """``books`` are Telegram's own."""

    def __init__(self, world: World, **more: Any) -> None:
        super().__init__(world, **more)
        self.books = Books()

    def pay(self, user_id: int, invoice: Seen | str) -> str:
        """The id of the charge. Blocks until the bot has agreed.

        Raises Declined where it does not, and TimeoutError where it says nothing for ten seconds.
        """
        found, chat_id = self._invoice(invoice, user_id)
        body = {
            "currency": "XTR", "total_amount": found.stars, "invoice_payload": found.payload,
        }  # fmt: skip
        query = self._asked(user_id, "checkout", "pre_checkout_query", body)
        answer = self.answer_to(query.id, self.world.patience["checkout"])
        if not answer["ok"]:
            raise Declined(answer["error_message"])
        return self._charge(user_id, found, chat_id=chat_id)

    def renew(self, charge_id: str) -> str:
        """Telegram charges a subscription for one month more."""
        charge = self.books.charges[charge_id]
        if charge.stopped or not charge.invoice.period:
            raise ValueError("this one is not renewed")
        return self._charge(charge.person, charge.invoice, chat_id=charge.person, first=charge.id)

    @property
    def refunds(self) -> list[Charge]:
        return [one for one in self.books.charges.values() if one.refunded_at is not None]

    def returned(self, charge: Charge) -> None:
        """Tells the bot that stars went back."""
        content = {"refunded_payment": returned_content(charge)}
        self._service(self._who(charge.person), charge.person, **content)

    def _invoice(self, invoice: Seen | str, user_id: int) -> tuple[Invoice, int]:
        """What is paid, and the chat where the receipt appears."""
        if isinstance(invoice, str):
            return self.books.links[invoice], user_id
        return self.books.in_chat[invoice.chat_id, invoice.id], invoice.chat_id

    def _charge(self, user_id: int, invoice: Invoice, *, chat_id: int, first: str = "") -> str:
        with self.world.changing:
            charge_id = f"stxCHARGE{self.world.number()}"
            charge = Charge(charge_id, user_id, invoice, self.world.now, first)
            self.books.charges[charge_id] = charge
            content = {"successful_payment": paid_content(charge, self.world)}
            self._service(self.world.chats[chat_id], user_id, **content)
            return charge_id
