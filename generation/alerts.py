"""What only the owner can put right: logged once, open until it is well again."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation.models import Alert
from generation.providers.base import MISCONFIGURED, NO_CREDITS, ProviderError

logger = logging.getLogger(__name__)

RETIRED, LOW_BALANCE, RESTING = "retired", "low_balance", "resting"
FIXES = {
    NO_CREDITS: _("Top up the account with the vendor, or route another provider before it."),
    MISCONFIGURED: _("Mend its key, address or options; the vendor's words say which."),
    RESTING: _("Too many orders failed; it is tried again by itself within seconds."),
    LOW_BALANCE: _("Top up the account with the vendor before it is empty."),
    RETIRED: _("Put a model id that the vendor lists into its options, under “models”."),
    "silent": _("Start it again. Its last lines in the log say why it ended."),
    "late": _("See that the bot runs and that Telegram answers it: manage.py doctor."),
    "overdue": _("See that the clock and a worker run: manage.py doctor."),
    "full": _("Make room, or give the studio a larger disk."),
    "unsettled": _("See that the gateway can be reached and its keys are right: manage.py doctor."),
    "not_taken": _("Run `manage.py backup` and read what it says."),
    "not_taken_lately": _("See that the clock and a worker run and that BACKUP_DIR has room."),
    "differ": _("Look at each in the admin, under payments and audits."),
}
TEXT_CHARACTERS = 500


def raise_alert(key: str, text: str) -> None:
    """Open it, or count it once more where it is open."""
    text = presentable(text)
    if _seen_again(key, text):
        return
    try:
        with transaction.atomic():
            Alert.objects.create(key=key, text=text)
    except IntegrityError:  # another process was first
        _seen_again(key, text)
    else:
        logger.error("%s: %s", key, text)


def hold(key: str, text: str) -> None:
    """For what is looked at again and again: open as long as it is so, and counted once."""
    text, still_open = presentable(text), Alert.objects.filter(key=key, cleared_at=None)
    if not still_open.update(seen_at=timezone.now(), text=text):
        raise_alert(key, text)


def _seen_again(key: str, text: str) -> bool:
    still_open = Alert.objects.filter(key=key, cleared_at=None)
    return bool(still_open.update(times=F("times") + 1, seen_at=timezone.now(), text=text))


def clear(*keys: str) -> None:
    """It is well again. Whether anything was open does not matter."""
    Alert.objects.filter(key__in=keys, cleared_at=None).update(cleared_at=timezone.now())


def presentable(text: str) -> str:
    """A vendor's words on one line, bounded, without our key in case they repeat it."""
    for key in filter(None, settings.PROVIDER_KEYS.values()):
        text = text.replace(key, "…")
    return " ".join(text.split())[:TEXT_CHARACTERS]


def about(provider: str, what: str) -> str:
    """The key of an alert about a provider."""
    return f"provider:{provider}:{what}"


def note_end(provider: str, outcome: str, error: ProviderError | None = None) -> None:
    """What the end of an order says about its provider: only some failures are the owner's."""
    if outcome in (NO_CREDITS, MISCONFIGURED):
        raise_alert(about(provider, outcome), error.detail if error else "")
    elif outcome == "done":
        clear(about(provider, NO_CREDITS), about(provider, MISCONFIGURED))


def fix(alert: Alert) -> Promise | str:
    """What to do about it, where we know."""
    return FIXES.get(alert.key.rpartition(":")[2], "")
