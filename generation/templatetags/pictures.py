"""Pictures and prices as templates say them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.ledger import SPENDING_ORDER, Balance
from billing.models import Price
from billing.words import balance_short, balance_words, units
from generation import photos
from generation.lineage import how
from generation.models import Job, Photo, Tool
from generation.problems import sentence

register = template.Library()
register.filter("balance_words", balance_words)
register.filter("balance_short", balance_short)
register.filter("how", how)

DAYS = {0: _("Today"), 1: _("Yesterday")}


@register.simple_tag
def picture_url(photo: Photo, variant: str = "master") -> str:
    """A private link of 10 minutes; ``variant`` is ``master`` or ``thumb``."""
    return photos.link(photo, variant)


@register.filter
def price(of: Any) -> str:
    """ "2 credits" or "1 free action", from a Quote or a Job."""
    if hasattr(of, "price_unit"):
        return units(of.price_unit, of.price_amount)
    return units(of.unit, of.amount)


@register.filter
def what_happened(job: Job) -> Any:
    """Why a job failed, in words for the person."""
    return sentence(job.error_code, job.error_data)


@register.filter
def alt_text(photo: Photo) -> str:
    """What the picture shows, as far as its recipe tells."""
    if photo.job is None:
        return how(photo) or gettext("Your photo")
    if photo.job.tool == Tool.TRYON:
        return gettext("You, trying it on: %(zone)s") % {"zone": photo.job.get_zone_display()}
    return photo.job.prompt[:120]


@register.filter
def pays_for(balance: Balance, price: Price) -> int:
    """How many of the tool the balance is enough for. One kind pays a whole job."""
    return sum(balance.of(kind) // (price.amount(kind) or 1) for kind in SPENDING_ORDER)


@register.filter
def day(moment: datetime) -> str:
    """ "Today", "Yesterday", "21 November", "21 November 2025"."""
    then, now = timezone.localdate(moment), timezone.localdate()
    if (now - then).days in DAYS:
        return str(DAYS[(now - then).days])
    return date_format(then, "j E" if then.year == now.year else "j E Y")
