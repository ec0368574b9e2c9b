"""The one JSON of a job and of a photo: the API answers it, the sockets push it."""

from __future__ import annotations

import threading
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation import estimate, photos
from generation.models import Aspect, Input, Job, Message, Photo, State, Tool, Zone
from generation.problems import HINTS, STAGES, sentence


class HintSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class PhotoSerializer(serializers.ModelSerializer):
    """A picture of the person who asks, with links that live 10 minutes."""

    url = serializers.SerializerMethodField()
    thumb_url = serializers.SerializerMethodField()
    hints = serializers.SerializerMethodField()
    job = serializers.SlugRelatedField("code", read_only=True, allow_null=True)
    parent = serializers.SlugRelatedField(
        "code", read_only=True, allow_null=True, help_text="what a free tool made it from"
    )

    class Meta:
        model = Photo
        fields = (
            "code", "url", "thumb_url", "width", "height", "placeholder",
            "hints", "favourite", "job", "parent", "recipe", "created_at", "kept_until",
        )  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {
            "kept_until": {"help_text": "at the earliest: a plan or a heart keeps it longer"}
        }

    def get_url(self, photo: Photo) -> str:
        return photos.link(photo)

    def get_thumb_url(self, photo: Photo) -> str:
        return photos.link(photo, "thumb")

    @extend_schema_field(HintSerializer(many=True))
    def get_hints(self, photo: Photo) -> list[dict[str, str]]:
        return [{"code": code, "message": str(HINTS[code])} for code in photo.hints]


class ResultSerializer(serializers.ModelSerializer):
    url = serializers.SerializerMethodField()
    thumb_url = serializers.SerializerMethodField()

    class Meta:
        model = Photo
        fields = ("code", "url", "thumb_url", "width", "height", "placeholder")
        read_only_fields = fields

    get_url = PhotoSerializer.get_url
    get_thumb_url = PhotoSerializer.get_thumb_url


class PriceSerializer(serializers.Serializer):
    unit = serializers.ChoiceField(["plan", "credit", "free"])
    amount = serializers.IntegerField()


class ErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class ProposalSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["short", "balanced", "detailed"])
    text = serializers.CharField(help_text="in English, ready to be an edit's prompt")


class AnswerSerializer(serializers.ModelSerializer):
    """What the assistant said: a sentence for the person, and three prompts to choose from."""

    prompts = ProposalSerializer(many=True)

    class Meta:
        model = Message
        fields = ("code", "text", "prompts", "free", "created_at")
        read_only_fields = fields


class RecipeSerializer(serializers.Serializer):
    """What the job was asked to do: enough to ask for it again."""

    person = serializers.UUIDField(required=False)
    item = serializers.UUIDField(required=False)
    base = serializers.UUIDField(required=False)
    references = serializers.ListField(child=serializers.UUIDField(), required=False)
    zone = serializers.ChoiceField(Zone.choices, required=False)
    box = serializers.ListField(child=serializers.FloatField(), required=False)
    prompt = serializers.CharField(required=False)
    aspect = serializers.ChoiceField(Aspect.choices)
    count = serializers.IntegerField()
    seed = serializers.IntegerField()
    provider = serializers.CharField()
    model = serializers.CharField()


class JobSerializer(serializers.ModelSerializer):
    """Everything that a page needs to show a job. Fields are null where they say nothing yet."""

    tool = serializers.ChoiceField(Tool.choices)
    state = serializers.ChoiceField(State.choices)
    stage = serializers.CharField(help_text="a code")
    stage_text = serializers.SerializerMethodField(help_text="the stage in the person's words")
    position = serializers.SerializerMethodField()
    eta_seconds = serializers.SerializerMethodField()
    price = serializers.SerializerMethodField()
    results = serializers.SerializerMethodField()
    answer = serializers.SerializerMethodField(help_text="of a turn of the assistant")
    error = serializers.SerializerMethodField()
    recipe = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = (
            "code", "tool", "state", "version", "percent", "stage", "stage_text", "position",
            "eta_seconds", "price", "watermark", "results", "answer", "error", "recipe",
            "created_at", "started_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, job: Job) -> dict[str, Any]:
        self._position = estimate.position(job)
        return super().to_representation(job)

    def get_stage_text(self, job: Job) -> str:
        return str(STAGES.get("queued" if job.state == State.QUEUED else job.stage, ""))

    def get_position(self, job: Job) -> int | None:
        return self._position

    def get_eta_seconds(self, job: Job) -> int | None:
        return estimate.eta_seconds(job, self._position)

    @extend_schema_field(PriceSerializer)
    def get_price(self, job: Job) -> dict[str, object]:
        return {"unit": job.price_unit, "amount": job.price_amount}

    @extend_schema_field(ResultSerializer(many=True))
    def get_results(self, job: Job) -> Any:
        if job.state != State.DONE:
            return []
        made = sorted(job.results.all(), key=lambda photo: photo.number)
        return ResultSerializer([photo for photo in made if not photo.deleted_at], many=True).data

    @extend_schema_field(AnswerSerializer(allow_null=True))
    def get_answer(self, job: Job) -> Any:
        if job.tool != Tool.ASSISTANT or job.state != State.DONE:
            return None
        return AnswerSerializer(job.messages.get(role=Message.Role.ASSISTANT)).data

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        if job.state != State.FAILED:
            return None
        return {"code": job.error_code, "message": str(sentence(job.error_code, job.error_data))}

    @extend_schema_field(RecipeSerializer)
    def get_recipe(self, job: Job) -> dict[str, Any]:
        recipe: dict[str, Any] = {"aspect": job.aspect, "count": job.count, "seed": job.seed}
        recipe |= {"provider": job.provider, "model": job.model}
        recipe |= {
            name: getattr(job, name) for name in ("zone", "box", "prompt") if getattr(job, name)
        }
        inputs = list(job.inputs.all())
        recipe |= {i.role: i.photo.code for i in inputs if i.role != Input.Role.REFERENCE}
        references = [i.photo.code for i in inputs if i.role == Input.Role.REFERENCE]
        return recipe | ({"references": references} if references else {})


def job_json(job: Job) -> dict[str, Any]:
    """The job as plain JSON values, ready for a socket."""
    return _plain(_serializer().to_representation(job))


_kept = threading.local()


def _serializer() -> JobSerializer:
    """One for each thread: to make its fields anew takes as long as to fill them."""
    if not hasattr(_kept, "serializer"):
        _kept.serializer = JobSerializer()
    return _kept.serializer


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
