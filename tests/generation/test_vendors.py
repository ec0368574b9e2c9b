"""Real adapters through the whole studio: from the submit to the stored picture, or the refund."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from billing import ledger
from billing.audit import findings
from generation import photos, prompts, routing, sandbox, studio, worker
from generation.models import FINAL, Attempt, Job, Photo, ProviderSetting, Route, State
from telegram_integration.models import User
from tests.vendors import gemini as gemini_stub
from tests.vendors import kie as kie_stub
from tests.vendors import openai as openai_stub
from tests.vendors import openrouter as openrouter_stub
from tests.vendors.stub import HANG, HTML, RESET, Answer

pytestmark = pytest.mark.django_db

CLEAN_RESULT = sandbox.clean_result
READ = {"usd_rub": "80", "read_seconds": 0.3}


@dataclass(frozen=True)
class Kind:
    """How a vendor's stub is made and reached."""

    stub: Callable[[], Any]
    key: str
    prefix: str
    order_path: str


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
}


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest, settings: Any) -> Iterator[Any]:
    """A vendor's stub, and nobody else to ask."""
    kind = VENDORS[request.param]
    settings.PROVIDER, settings.PROVIDER_KEYS = "", {request.param: kind.key}
    Route.objects.all().delete()
    with kind.stub() as stub:
        row = ProviderSetting.objects.get(name=request.param)
        row.base_url, row.options = stub.url + kind.prefix, READ | {"hosts": [stub.url]}
        if request.param == "kie":
            row.options["upload_url"] = stub.url
        row.picture_cost = Decimal("2.5")
        row.save()
        for tool in ("tryon", "edit", "imagine"):
            Route.objects.create(tool=tool, provider=row)
        stub.known_as = request.param
        yield stub
    assert stub.mistakes == []


def finish(job: Job, turns: int = 12) -> Job:
    """Work until the job has ended. Waits are made to be over, the clock is not waited for."""
    for _turn in range(turns):
        Job.objects.filter(state=State.WAITING).update(next_check_at=timezone.now())
        worker.work()
        job.refresh_from_db()
        if job.state in FINAL:
            return job
    return job


def test_every_tool_goes_through_with_the_photos_really_sent(
    person: User, vendor: Any, photo_of: Callable[..., Photo]
) -> None:
    me, shirt = photo_of(person), photo_of(person, "red")
    jobs = [
        studio.try_on(person.pk, person=me, item=shirt, zone="body"),
        studio.edit(person.pk, base=me, prompt="make it night"),
        studio.imagine(person.pk, prompt="a lighthouse", aspect="1:1"),
    ]
    for job in jobs:
        done = finish(job)
        assert (done.state, done.provider, done.error_detail) == (State.DONE, vendor.known_as, "")
        assert done.cost > 0
        assert Image.open(io.BytesIO(photos.read(done.results.get()))).size > (16, 16)
    sent = [photos.read(me), photos.read(shirt)]
    assert pictures_of(vendor)[:2] == sent
    assert any(prompts.DEFAULTS["body"] in words for words in words_of(vendor))
    assert ledger.balance(person.pk).credit == 1


def pictures_of(vendor: Any) -> list[bytes]:
    """Photos that the vendor holds, in the order of its first task."""
    if vendor.known_as == "kie":
        return list(next(iter(vendor.tasks.values())).pictures)
    if vendor.known_as == "openrouter":
        return list(vendor.pictures[0])
    return list(vendor.bought[0].pictures)


def words_of(vendor: Any) -> list[str]:
    if vendor.known_as == "kie":
        return [task.input["prompt"] for task in vendor.tasks.values()]
    return [request.body.decode(errors="replace") for request in vendor.asked]


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


def test_a_blank_picture_and_the_same_picture_again_are_given_back(
    person: User, vendor: Any, photo_of: Callable[..., Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    me = photo_of(person)
    monkeypatch.setattr("generation.sandbox.clean_result", _only(photos.read(me)))
    job = finish(studio.edit(person.pk, base=me, prompt="make it night"))
    assert (job.state, job.error_code) == (State.FAILED, "unchanged")
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "gray").save(out, "PNG")
    monkeypatch.setattr("generation.sandbox.clean_result", _only(out.getvalue()))
    job = finish(studio.edit(person.pk, base=me, prompt="make it day"))
    assert (job.state, job.error_code) == (State.FAILED, "no_image")
    assert ledger.balance(person.pk).credit == 5


def _only(picture: bytes) -> Callable[[bytes], sandbox.CleanPhoto]:
    """A vendor that answers with this, whatever its stub holds."""
    return lambda _data: CLEAN_RESULT(picture)
