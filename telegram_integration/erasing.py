"""Forgetting a person: what was theirs goes, the books stay under a name that means nobody."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from billing import subscriptions
from billing.models import Gift, Payment
from billing.problem import Problem
from generation import live, photos, studio
from generation.models import OPEN, Draft, Errand, Job, Message, Photo
from telegram_integration.models import INLINE, ChatJob, Incoming, OutgoingMessage, Talk, User


@transaction.atomic
def erase(user: User) -> None:
    """Photos, words and names. Jobs that go on are stopped; a plan is renewed no more."""
    for job in Job.objects.filter(owner=user, state__in=OPEN).select_related("owner"):
        with suppress(Problem):
            studio.cancel(job)
    with suppress(Problem):
        subscriptions.cancel(user.account)
    for photo in Photo.objects.filter(owner=user, deleted_at=None):
        photos.forget(photo)
    _forget_words(user)
    _forget_name(user)


def pseudonym(telegram_id: int) -> str:
    """Tells whether somebody was here before, and to nobody without the studio's key who it was."""
    return salted_hmac(
        "telegram_integration.erased", str(telegram_id), algorithm="sha256"
    ).hexdigest()


def was_here(telegram_id: int) -> bool:
    """Whether they erased themselves once. What newcomers are given is given once."""
    return User.objects.filter(erased_as=pseudonym(telegram_id)).exists()


def _forget_words(user: User) -> None:
    Job.objects.filter(owner=user).update(prompt="", error_detail="")
    Message.objects.filter(chat__owner=user).update(text="", prompts=[])
    Errand.objects.filter(owner=user).update(request={})
    Draft.objects.filter(owner=user).delete()
    Talk.objects.filter(user=user).delete()
    Gift.objects.filter(giver__user=user).update(words="")
    Payment.objects.filter(account__user=user).update(contact="")
    ChatJob.objects.filter(job__owner=user).update(shown="")
    if user.telegram_id:
        inline = Q(chat_id__lt=INLINE, job__owner=user)
        sent = OutgoingMessage.objects.filter(Q(chat_id=user.telegram_id) | inline)
        sent.update(body={}, data={}, photo=None, file_id="")
        sent.filter(state__in=("waiting", "sending")).update(state="dropped")
        Incoming.objects.filter(telegram_id=user.telegram_id).update(data={})


def _forget_name(user: User) -> None:
    for key in user.api_keys.filter(revoked_at=None):
        key.revoke()
    if user.telegram_id:
        user.erased_as = pseudonym(user.telegram_id)
    user.username, user.first_name, user.last_name, user.email = f"erased{user.pk}", "", "", ""
    user.telegram_id, user.chat_since, user.is_active = None, None, False
    user.date_joined = timezone.now()
    user.set_unusable_password()
    user.save()
    live.end_session(user.pk)
