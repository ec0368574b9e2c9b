"""Buttons under messages. Each carries what it needs, and belongs to whom it was made for."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext as _

from generation import pairs, photos, studio
from generation.models import Job, Message, Photo
from generation.problems import refused
from telegram_integration import hand_over, saying
from telegram_integration.calls import Call
from telegram_integration.handlers import photos as sending
from telegram_integration.keyboards import button
from telegram_integration.models import OutgoingMessage, Talk


def job_of(call: Call, code: uuid.UUID) -> Job:
    """The person's own. Somebody else's button does nothing for them."""
    job = Job.objects.filter(owner=call.user.pk, code=code).select_related("owner").first()
    if job is None:
        raise refused("button_of_another", status=403)
    return job


def photo_of(call: Call, code: uuid.UUID) -> Photo:
    photo = Photo.objects.filter(owner=call.user.pk, code=code).select_related("job").first()
    if photo is None:
        raise refused("button_of_another", status=403)
    if photo.deleted_at:
        raise refused("photo_gone", status=409)
    return photo


def stop(call: Call, code: uuid.UUID) -> None:
    studio.cancel(job_of(call, code))
    call.answer = _("Cancelled. Nothing was charged.")


def again(call: Call, code: uuid.UUID) -> None:
    """The same wish and the same luck: useful where a provider draws without a seed."""
    _repeat(call, job_of(call, code), keep_seed=True)


def vary(call: Call, code: uuid.UUID) -> None:
    _repeat(call, job_of(call, code), keep_seed=False)


def retry(call: Call, code: uuid.UUID) -> None:
    job = job_of(call, code)
    again = studio.retry(job)
    call.watch(again)


def _repeat(call: Call, job: Job, *, keep_seed: bool) -> None:
    wish = studio.wish_of(job)
    asked: dict[str, object] = {"tool": job.tool}
    for role, photo in wish.inputs:
        if role == "reference":
            asked.setdefault("references", []).append(str(photo.code))
        else:
            asked[role] = str(photo.code)
    asked |= {k: v for k, v in (("zone", job.zone), ("prompt", job.prompt), ("box", job.box)) if v}
    if job.tool in ("edit", "imagine"):
        asked["aspect"] = job.aspect
    if job.tool == "imagine":
        asked["count"] = job.count
    if keep_seed:
        asked["seed"] = job.seed
    call.ask(asked)


def edit(call: Call, code: uuid.UUID) -> None:
    sending.begin(call, "edit", photo_of(call, code).code)


def item(call: Call, code: uuid.UUID) -> None:
    """Another thing on the same person."""
    inputs = {one.role: one.photo for one in job_of(call, code).inputs.select_related("photo")}
    person = inputs.get("person")
    if person is None or person.deleted_at:
        raise refused("photo_gone", status=409)
    sending.await_item(call, call.talk, person)


def file(call: Call, code: uuid.UUID) -> None:
    saying.file(call.chat_id, photo_of(call, code), key=call.key())


def show(call: Call, code: uuid.UUID) -> None:
    """A picture of the history, here."""
    hand_over.put(call.chat_id, photo_of(call, code), key=call.key())


def favourite(call: Call, code: uuid.UUID) -> None:
    photo = photo_of(call, code)
    change = photos.unfavour if photo.favourite else photos.favour
    change(photo)
    call.answer = (
        _("Kept among your favourites.") if photo.favourite else _("No favourite any more.")
    )
    if message := pressed(call):
        keyboard = hand_over.offered(photo, call.chat_id)
        saying.new_buttons(message, key=call.key(), keyboard=keyboard)


def pressed(call: Call) -> OutgoingMessage | None:
    """Our message whose button it was."""
    return OutgoingMessage.objects.filter(
        chat_id=call.chat_id, message_id=call.message.message_id
    ).first()


def delete(call: Call, code: uuid.UUID) -> None:
    """Asked once more before: a picture that is gone is gone."""
    photo = photo_of(call, code)
    call.say(_("Delete this picture for good?"), [[button(_("Delete"), "gone", photo.code)]])


def gone(call: Call, code: uuid.UUID) -> None:
    photos.forget(photo_of(call, code))
    call.answer = _("Deleted.")
    shown = OutgoingMessage.objects.filter(changes__photo__code=code, message_id__isnull=False)
    for message in shown.distinct():
        saying.take_away(message, key=f"photo:{code}:gone:{message.pk}")


def use(call: Call, code: uuid.UUID, number: str) -> None:
    """One of the assistant's three prompts."""
    said = (
        Message.objects.filter(code=code, chat__owner=call.user.pk).select_related("photo").first()
    )
    if said is None:
        raise refused("button_of_another", status=403)
    prompt = said.prompts[int(number)]["text"]
    Talk.objects.filter(pk=call.talk.pk).update(base=said.photo)
    call.ask({"tool": "edit", "base": str(said.photo.code), "prompt": prompt})


def before_and_after(call: Call, code: uuid.UUID) -> None:
    """Both pictures side by side."""
    card = pairs.card(photo_of(call, code))
    saying.file(call.chat_id, card, key=call.key())
