"""The requests for a job, as clients send them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from generation import photos, studio
from generation.models import MESSAGE_LIMIT, PROMPT_LIMIT, Aspect, Job, Tool, Zone

MAX_REFERENCES = 5
MAX_COUNT = 4


class BoxField(serializers.ListField):
    """``[left, top, width, height]``, each a fraction of the person's photo."""

    child = serializers.FloatField(min_value=0, max_value=1)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=4, max_length=4, **kwargs)

    def to_internal_value(self, data: Any) -> tuple[float, ...]:
        left, top, width, height = box = tuple(super().to_internal_value(data))
        if min(width, height) < 0.02 or left + width > 1.001 or top + height > 1.001:
            raise serializers.ValidationError(_("The frame must lie inside the photo."))
        return box


class Request(serializers.Serializer):
    """What all of them may carry. ``seed``: the same seed and photos give the same picture."""

    seed = serializers.IntegerField(min_value=0, max_value=studio.MAX_SEED - 1, required=False)

    def ask(self, user_id: int, *, key: str | None) -> Job:
        raise NotImplementedError

    def wanted(self) -> dict[str, Any]:
        return {name: value for name, value in self.validated_data.items() if name != "tool"}


class TryOnRequest(Request):
    tool = serializers.ChoiceField([Tool.TRYON.value])
    person = serializers.UUIDField()
    item = serializers.UUIDField()
    zone = serializers.ChoiceField(Zone.choices, default=Zone.BODY)
    box = BoxField(required=False)

    def ask(self, user_id: int, *, key: str | None) -> Job:
        wanted = self.wanted()
        person, item = photos.of(user_id, [wanted.pop("person"), wanted.pop("item")])
        return studio.try_on(user_id, person=person, item=item, key=key, **wanted)


class EditRequest(Request):
    tool = serializers.ChoiceField([Tool.EDIT.value])
    base = serializers.UUIDField()
    prompt = serializers.CharField(max_length=PROMPT_LIMIT)
    references = serializers.ListField(
        child=serializers.UUIDField(), max_length=MAX_REFERENCES, required=False
    )
    aspect = serializers.ChoiceField(Aspect.choices, default=Aspect.AUTO)

    def ask(self, user_id: int, *, key: str | None) -> Job:
        wanted = self.wanted()
        base, *references = photos.of(user_id, [wanted.pop("base"), *wanted.pop("references", [])])
        return studio.edit(user_id, base=base, references=tuple(references), key=key, **wanted)


class ImagineRequest(Request):
    tool = serializers.ChoiceField([Tool.IMAGINE.value])
    prompt = serializers.CharField(max_length=PROMPT_LIMIT)
    aspect = serializers.ChoiceField(Aspect.choices, default=Aspect.AUTO)
    count = serializers.IntegerField(min_value=1, max_value=MAX_COUNT, default=1)

    def ask(self, user_id: int, *, key: str | None) -> Job:
        return studio.imagine(user_id, key=key, **self.wanted())


class AssistantRequest(Request):
    tool = serializers.ChoiceField([Tool.ASSISTANT.value])
    photo = serializers.UUIDField()
    message = serializers.CharField(max_length=MESSAGE_LIMIT)
    seed = None

    def ask(self, user_id: int, *, key: str | None) -> Job:
        wanted = self.wanted()
        (photo,) = photos.of(user_id, [wanted.pop("photo")])
        return studio.converse(user_id, photo=photo, key=key, **wanted)


ASKING: dict[str, type[Request]] = {
    Tool.TRYON: TryOnRequest,
    Tool.EDIT: EditRequest,
    Tool.IMAGINE: ImagineRequest,
    Tool.ASSISTANT: AssistantRequest,
}
