"""Talking about a picture: who said what, and what of it the assistant is told.

A turn is a job like any other: charged as it is asked, given back when no answer comes.
"""

from __future__ import annotations

from generation.models import OPEN, Chat, Job, Message, Photo, Tool
from generation.problems import refused

REMEMBERED = 10
"""Messages of a conversation that the assistant is told, the last one among them."""
TOLD = 4000
"""Characters of each."""
SHOWN = 100
"""Messages of a conversation that the person is shown."""


def check_silent(user_id: int) -> None:
    """One turn at a time. Call it while the person's account is locked."""
    if Job.objects.filter(owner=user_id, tool=Tool.ASSISTANT, state__in=OPEN).exists():
        raise refused("still_answering", status=409)


def note(job: Job, photo: Photo) -> Message:
    """The person's message, in the conversation about this photo's family."""
    chat, _created = Chat.objects.get_or_create(owner_id=job.owner_id, root_id=photo.root_pk)
    return Message.objects.create(
        chat=chat, job=job, photo=photo, role=Message.Role.PERSON, text=job.prompt
    )


def history(job: Job) -> tuple[tuple[str, str], ...]:
    """What was said before this turn, oldest first, as (role, text)."""
    asked = job.messages.get(role=Message.Role.PERSON)
    before = Message.objects.filter(chat=asked.chat_id, pk__lt=asked.pk).exclude(text="")
    before = before.order_by("-pk")
    said = [(message.role, _words(message)) for message in before[: REMEMBERED - 1]]
    return tuple(reversed(said))


def conversation(photo: Photo) -> list[Message]:
    """The newest messages about the photo's family, oldest first."""
    said = Message.objects.filter(chat__owner=photo.owner_id, chat__root=photo.root_pk)
    said = said.exclude(text="")  # forgotten after their time
    newest = said.select_related("photo", "job").order_by("-pk")[:SHOWN]
    return list(reversed(newest))


def _words(message: Message) -> str:
    """With the prompts, so that "the second one, but warmer" can be understood."""
    prompts = [f"{prompt['kind']}: {prompt['text']}" for prompt in message.prompts]
    return "\n".join([message.text, *prompts])[:TOLD]
