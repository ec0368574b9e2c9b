"""Real adapters through the whole studio: from the submit to the stored picture, or the refund."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image, ImageChops

from billing import ledger
from billing.audit import findings
from generation import photos, prompts, routing, studio, worker
from generation.models import FINAL, Attempt, Job, Photo, ProviderSetting, Route, State
from generation.providers import automatic1111, diffusers
from telegram_integration.models import User
from tests.generation.providers.test_diffusers import tiny_pipeline
from tests.vendors import automatic1111 as automatic1111_stub
from tests.vendors import comfyui as comfyui_stub
from tests.vendors import gemini as gemini_stub
from tests.vendors import kie as kie_stub
from tests.vendors import openai as openai_stub
from tests.vendors import openrouter as openrouter_stub
from tests.vendors.stub import HANG, HTML, RESET, Answer
from tests.vendors.wrong_pictures import WRONG_PICTURES

pytestmark = pytest.mark.django_db

READ = {"usd_rub": "80", "read_seconds": 0.3}
BOX = (0.25, 0.4, 0.5, 0.5)
TINY = {"num_inference_steps": 4}


@dataclass(frozen=True)
class Kind:
    """How a vendor's stub is made and reached. All of them do all three tools.

    ``drafts``: its models take one picture, so of a try-on it gets the item laid on the person.
    """

    stub: Callable[[], Any]
    key: str
    prefix: str
    order_path: str
    options: dict[str, Any] = field(default_factory=dict)
    drafts: bool = False


VENDORS = {
    "kie": Kind(kie_stub.KieStub, kie_stub.KEY, "", kie_stub.CREATE),
    "openrouter": Kind(
        openrouter_stub.OpenRouterStub, openrouter_stub.KEY, "/api/v1", openrouter_stub.CHAT
    ),
    "openai": Kind(openai_stub.OpenAIStub, openai_stub.KEY, "/v1", openai_stub.GENERATIONS),
    "gemini": Kind(
        gemini_stub.GeminiStub,
        gemini_stub.KEY,
        "/v1beta",
        f"/v1beta/models/{gemini_stub.SERVED[0]}:generateContent",
    ),
    "comfyui": Kind(
        comfyui_stub.ComfyUIStub, "", "", "/prompt",
        {"workflows": comfyui_stub.FLOWS, "gone_seconds": 0.05},
    ),
    "automatic1111": Kind(
        automatic1111_stub.Automatic1111Stub, "", "", automatic1111_stub.TXT,
        {"poll_seconds": 0.02}, drafts=True,
    ),
}  # fmt: skip


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest, settings: Any) -> Iterator[Any]:
    """A vendor's stub, and nobody else to ask."""
    kind = VENDORS[request.param]
    settings.PROVIDER_KEYS = {request.param: kind.key}
    with kind.stub() as stub:
        options = READ | {"hosts": [stub.url]} | kind.options
        if request.param == "kie":
            options["upload_url"] = stub.url
        only(request.param, settings, base_url=stub.url + kind.prefix, options=options)
        stub.known_as = request.param
        yield stub
    assert stub.mistakes == []


def only(name: str, settings: Any, **fields: Any) -> None:
    """Every tool is asked from this provider."""
    settings.PROVIDER = ""
    Route.objects.all().delete()
    ProviderSetting.objects.filter(name=name).update(picture_cost=Decimal("2.5"), **fields)
    row = ProviderSetting.objects.get(name=name)
    for tool in ("tryon", "edit", "imagine"):
        Route.objects.create(tool=tool, provider=row)


def finish(job: Job, turns: int = 12) -> Job:
    """Work until the job has ended. Waits are made to be over, the clock is not waited for."""
    for _turn in range(turns):
        Job.objects.filter(state=State.WAITING).update(next_check_at=timezone.now())
        worker.work()
        job.refresh_from_db()
        if job.state in FINAL:
            return job
    return job


def one_of_each(person: User) -> tuple[Photo, Photo, list[Job]]:
    """A try-on with its two photos, an edit of the first and a picture from words."""
    me, hat = (
        photos.ingest(person.pk, Path("tests/photos", name).read_bytes())
        for name in ("astronaut.png", "hat.png")
    )
    jobs = [
        studio.try_on(person.pk, person=me, item=hat, zone="head", box=BOX),
        studio.edit(person.pk, base=me, prompt="make it night"),
        studio.imagine(person.pk, prompt="a lighthouse", aspect="1:1"),
    ]
    return me, hat, [finish(job) for job in jobs]


def check_delivered(jobs: list[Job], name: str) -> None:
    for job in jobs:
        assert (job.state, job.provider, job.error_detail) == (State.DONE, name, "")
        made = Image.open(io.BytesIO(photos.read(job.results.get())))
        assert min(made.size) > 16
    assert findings() == []


def test_every_tool_goes_through_with_the_photos_really_sent(person: User, vendor: Any) -> None:
    kind = VENDORS[vendor.known_as]
    me, hat, jobs = one_of_each(person)
    check_delivered(jobs, vendor.known_as)
    assert all(job.cost > 0 for job in jobs)
    (worn, fitting), *others = vendor.sent
    assert others == [("make it night", (photos.read(me),)), ("a lighthouse", ())]
    if kind.drafts:
        assert worn == automatic1111.TRYON_WORDS
        assert is_drafted(photos.read(me), *fitting)
    else:
        assert worn == prompts.DEFAULTS["head"]
        assert fitting == (photos.read(me), photos.read(hat))
    assert ledger.balance(person.pk).credit == 1


def is_drafted(photo: bytes, draft: bytes) -> bool:
    """Whether the draft is the photo with something new in the middle of it."""
    before, after = (Image.open(io.BytesIO(data)).convert("RGB") for data in (photo, draft))
    changed = ImageChops.difference(before, after).point(lambda level: 255 * (level > 40)).getbbox()
    across = before.width
    return changed is not None and changed[0] > 0.15 * across and changed[2] < 0.85 * across


def test_diffusers_goes_through_with_every_tool(
    person: User, settings: Any, tmp_path: Path
) -> None:
    for package in diffusers.PACKAGES:
        pytest.importorskip(package, reason="optional: pip install -r requirements/diffusers.txt")
    tiny_pipeline(tmp_path).save_pretrained(tmp_path)
    options = {"model": str(tmp_path), "pixels": 64 * 64, "local_only": True, "device": "cpu"}
    steps = {tool: fields | TINY for tool, fields in diffusers.FIELDS.items()} | {"imagine": TINY}
    only("diffusers", settings, options=options | {"fields": steps})
    _me, _hat, jobs = one_of_each(person)
    check_delivered(jobs, "diffusers")
    assert [job.cost for job in jobs] == [Decimal("2.5")] * 3
    assert ledger.balance(person.pk).credit == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        HANG,
        RESET,
        HTML,
        Answer(400, {"code": 400, "msg": "bad", "error": {"code": 400, "message": "bad"}}),
        Answer(401, {"code": 401, "msg": "key", "error": {"code": 401, "message": "key"}}),
        Answer(402, {"code": 402, "msg": "pay", "error": {"code": 402, "message": "pay"}}),
        Answer(429, {"code": 429, "msg": "slow", "error": {"code": 429, "message": "slow"}}),
        Answer(500, {"code": 500, "msg": "oops", "error": {"code": 500, "message": "oops"}}),
        Answer(503, {"code": 503, "msg": "away", "error": {"code": 503, "message": "away"}}),
        Answer(200, {"code": 200, "data": {}}),
    ],
    ids=["hang", "reset", "html", "400", "401", "402", "429", "500", "503", "empty"],
)
def test_whatever_the_vendor_does_the_person_pays_for_a_picture_or_nothing(
    person: User, vendor: Any, behaviour: Any
) -> None:
    vendor.script(VENDORS[vendor.known_as].order_path, *[behaviour] * 8)
    job = finish(studio.imagine(person.pk, prompt="a lighthouse"))
    assert job.state == State.FAILED
    assert ledger.balance(person.pk).credit == 5
    unknown = Attempt.objects.filter(accepted=None).exclude(outcome="").count()
    assert unknown <= 2
    assert Attempt.objects.count() <= routing.MOST_ORDERS
    assert findings() == []


# ComfyUI is asked whether it has the order, so there is no doubt.
@pytest.mark.parametrize("vendor", [v for v in VENDORS if v != "comfyui"], indirect=True)
def test_after_a_crash_one_more_order_is_risked_and_no_third(person: User, vendor: Any) -> None:
    order_path = VENDORS[vendor.known_as].order_path
    vendor.script(order_path, *[HTML] * 8)
    job = studio.imagine(person.pk, prompt="a lighthouse")
    routing.begin(job, routing.setting_of(vendor.known_as))  # and here the worker died
    assert finish(job).state == State.FAILED
    assert len(vendor.requests_to(order_path)) == 1
    assert ledger.balance(person.pk).credit == 5


@pytest.mark.parametrize("wrong", WRONG_PICTURES)
def test_what_is_no_good_picture_is_given_back(person: User, vendor: Any, wrong: str) -> None:
    vendor.results = [WRONG_PICTURES[wrong]]
    job = finish(studio.imagine(person.pk, prompt="a lighthouse"))
    assert (job.state, job.error_code) == (State.FAILED, "no_image")
    assert not job.results.exists()
    assert len(vendor.sent) <= 2
    assert ledger.balance(person.pk).credit == 5
    assert findings() == []


def test_an_answer_without_any_picture_is_given_back(person: User, vendor: Any) -> None:
    vendor.results = []
    job = finish(studio.imagine(person.pk, prompt="a lighthouse"))
    assert (job.state, job.error_code) == (State.FAILED, "no_image")
    assert ledger.balance(person.pk).credit == 5


def test_the_same_picture_again_is_given_back(
    person: User, vendor: Any, photo_of: Callable[..., Photo]
) -> None:
    me = photo_of(person)
    vendor.results = [photos.read(me)]
    job = finish(studio.edit(person.pk, base=me, prompt="make it night"))
    assert (job.state, job.error_code) == (State.FAILED, "unchanged")
    assert len(vendor.sent) == 1
    assert ledger.balance(person.pk).credit == 5


def test_a_vendor_that_recovers_still_delivers_and_is_paid_once(person: User, vendor: Any) -> None:
    vendor.script(
        VENDORS[vendor.known_as].order_path, Answer(503, {"error": {"code": 503, "message": "x"}})
    )
    job = finish(studio.imagine(person.pk, prompt="a lighthouse"))
    assert job.state == State.DONE
    assert ledger.balance(person.pk).credit == 4
    assert Attempt.objects.filter(outcome="done").count() == 1


def test_with_the_vendor_down_the_built_in_provider_makes_the_picture(
    person: User, vendor: Any
) -> None:
    local = ProviderSetting.objects.get(name="local")
    Route.objects.create(tool="imagine", provider=local, order=90)
    vendor.script(VENDORS[vendor.known_as].order_path, *[Answer(503, {"msg": "away"})] * 8)
    job = finish(studio.imagine(person.pk, prompt="a lake at sunset"))
    assert (job.state, job.provider, job.price_amount) == (State.DONE, "local", 1)
