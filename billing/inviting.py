"""A person's invitation: its links, its QR code, and what came of it."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.db.models import Count
from django.urls import reverse

from billing import ledger
from billing.models import Account
from billing.referrals import START, THANKS


def of(user_id: int) -> dict[str, Any]:
    """Everything that the page and the API say of it."""
    account = counted(user_id)
    return {
        "code": account.invite_code,
        "links": links(account),
        "thanks": THANKS,
        "invited": account.invited,
        "thanked": account.thanked,
    }


def counted(user_id: int) -> Any:
    counting = Account.objects.annotate(
        invited=Count("friends", distinct=True), thanked=Count("friends__lot", distinct=True)
    )
    return counting.filter(user=user_id).first() or counting.get(pk=ledger.open_account(user_id).pk)


def links(account: Account) -> dict[str, str]:
    """To the bot, where one is named, and to the pages."""
    bot, code = settings.TELEGRAM_BOT_NAME, account.invite_code
    web = f"{settings.SITE_URL}{reverse('sign_in')}?{urlencode({'ref': code})}"
    return {"web": web, "telegram": f"https://t.me/{bot}?start={START}{code}" if bot else ""}


def qr(account: Account) -> bytes:
    """The link that a stranger's phone understands best, as an SVG of dark squares on light."""
    both = links(account)
    picture = io.BytesIO()
    code = segno.make(both["telegram"] or both["web"], error="m")
    code.save(picture, kind="svg", scale=8, border=3, dark="#141418", light="#fff")
    return picture.getvalue()
