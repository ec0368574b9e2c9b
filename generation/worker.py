"""Making one job's pictures: order, provider, check, mark, store, end.

Nothing here holds a transaction while a provider works. Every write says which claim it belongs to.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from billing import tracing
from generation import (
    assistant,
    connections,
    ending,
    hooks,
    leases,
    live,
    parting,
    photos,
    prompts,
    queue,
    routing,
    sandbox,
    slots,
    stopping,
    watermark,
)
from generation.models import Attempt, Input, Job, Photo, ProviderSetting, State, Tool
from generation.providers.base import Done, Order, ProviderError, Report, Talk, Waiting

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25


def work(shut: queue.Shut | None = None) -> bool:
    """Do one ready job. Returns whether there was one. Whoever claims a job rings for the next.

    A worker that leaves does none.
    """
    if parting.has_begun():
        return False
    shut = shut or queue.Shut()
    with slots.Place() as place:
        job = queue.claim(place.take, shut)
        if job is None:
            return False
        _ring_if_ready(shut)
        make(job)
    shut.forget(job)
    _ring_if_ready(shut)
    return True


def _ring_if_ready(shut: queue.Shut) -> None:
    if queue.is_ready(shut):
        queue.ring()


def make(job: Job) -> None:
    """Take a claimed job to its end, or to the next time that its provider is asked."""
    with tracing.about(job=job.code, person_id=job.owner_id):
        _make_or_fail(job)


def _make_or_fail(job: Job) -> None:
    try:
        with leases.kept(job):
            _make(job)
    except ending.Lost:
        logger.info("job %s is no longer ours", job.code)
    except ProviderError as error:
        _fail(job, error)
    except Exception as error:
        logger.exception("job %s broke", job.code)
        _fail(job, ProviderError("broken", repr(error)))


def _make(job: Job) -> None:
    try:
        answer = _ask(job, order_of(job), reporter(job))
    except routing.Busy:
        queue.send_back(job)
        return
    except ProviderError as error:
        _go_on_or_fail(job, error)
        return
    if isinstance(answer, Waiting):
        _put_aside(job, answer)


def _put_aside(job: Job, answer: Waiting) -> None:
    """Look again later. A job that ended while its order was placed wants it stopped."""
    try:
        queue.put_aside(job, answer.ref, check_in=answer.check_in, percent=answer.percent)
    except ending.Lost:
        stopping.ring(job, answer.ref)
        raise


def _ask(job: Job, order: Order, report: Report) -> Done | Waiting:
    """Ask how an order goes, or place one; deliver what is done."""
    if job.provider_ref:
        setting = routing.setting_of(job.provider)
        with connections.at_rest():
            answer = routing.made(setting).check(job.provider_ref, order, report)
    else:
        setting = _place(job)
        answer = _order(job, setting, order, report)
    if isinstance(answer, Done):
        _deliver(job, answer, setting, order, report)
    return answer


def _place(job: Job) -> ProviderSetting:
    """Write down whom this job is ordered from, before anybody is asked."""
    with transaction.atomic():
        setting = routing.confirm(job)
        if not job.move((State.RUNNING,), prompt_number=job.prompt_number):
            raise ending.Lost
        routing.begin(job, setting)
    return setting


def _order(job: Job, setting: ProviderSetting, order: Order, report: Report) -> Done | Waiting:
    """A new order, unless that of an earlier try is still there."""
    provider = routing.made(setting)
    if hasattr(provider, "find") and routing.is_in_doubt(job) and (ref := provider.find(order)):
        return Waiting(ref, check_in=0.0, percent=job.percent)
    with connections.at_rest():
        return provider.start(replace(order, callback_url=hooks.address(job)), report)


def _go_on_or_fail(job: Job, error: ProviderError) -> None:
    """Try elsewhere or later where that is free of risk; else the person gets everything back."""
    if not queue.extend_lease(job):
        raise ending.Lost  # the open order is another worker's by now
    routing.end(job, error.code, error)
    wait = routing.wait_before_another(job, error)
    if wait is None:
        raise error
    logger.warning("job %s: %s from %s, going on", job.code, error.code, job.provider)
    queue.put_aside(job, "", check_in=wait, percent=job.percent)


def _deliver(
    job: Job, answer: Done, setting: ProviderSetting, order: Order, report: Report
) -> None:
    if job.tool == Tool.ASSISTANT:
        return _answer(job, answer, setting)
    if not answer.pictures:
        raise ProviderError("no_image", accepted=True)
    report(95, "saving")
    cleaned = [_cleaned(data) for data in answer.pictures]
    if setting.name != "local":  # which says so itself, and knows better
        _judge(order, cleaned)
    made = [_store(job, number, clean) for number, clean in enumerate(cleaned)]
    cost = setting.picture_cost * len(made) if answer.cost is None else answer.cost
    ending.succeed(job, made, model=answer.model, cost=cost)
    routing.end(job, "done")


def _answer(job: Job, done: Done, setting: ProviderSetting) -> None:
    if done.answer is None:
        raise ProviderError("no_answer", accepted=True)
    cost = setting.picture_cost if done.cost is None else done.cost
    said = replace(done.answer, makeshift=True) if _stands_in(job, setting) else done.answer
    ending.answer(job, said, model=done.model, cost=cost)
    routing.end(job, "done")


def _stands_in(job: Job, setting: ProviderSetting) -> bool:
    """Whether the built-in assistant speaks where somebody better should have."""
    if setting.name != "local":
        return False
    others = Attempt.objects.filter(job=job).exclude(provider=setting.name)
    failed = others.exclude(outcome__in=("", "done", routing.LOST)).exists()
    first = next(iter(routing.candidates(job.tool)), setting)
    return failed or first.name != setting.name


def _cleaned(data: bytes) -> sandbox.CleanPhoto:
    try:
        return sandbox.clean_result(data)
    except sandbox.PhotoError as error:
        raise ProviderError("no_image", error.code, accepted=True) from None


def _judge(order: Order, cleaned: list[sandbox.CleanPhoto]) -> None:
    """What is blank, or the same picture again, is not what anybody asked for."""
    from generation import sameness  # OpenCV is loaded only by a worker that judges

    for clean in cleaned:
        if sameness.is_blank(clean.master):
            raise ProviderError("no_image", "blank", accepted=True)
        if order.pictures and sameness.same_picture(order.pictures[0], clean.master):
            raise ProviderError("unchanged", accepted=True)


def _store(job: Job, number: int, clean: sandbox.CleanPhoto) -> Photo:
    if job.watermark:
        # What cost nothing is a part of a marked picture, and has most of the mark already.
        mark = watermark.draw if job.price_amount else watermark.draw_corner
        clean = _cleaned(mark(clean.master))
    return photos.keep(
        clean, owner_id=job.owner_id, digest=_digest(job, number), job=job, number=number,
        root_id=_root_of(job),
    )  # fmt: skip


def _root_of(job: Job) -> int | None:
    """What an edit came from in the first place; anything else is a beginning."""
    bases = [i.photo.root_pk for i in job.inputs.all() if i.role == Input.Role.BASE]
    return bases[0] if bases else None


def _digest(job: Job, number: int) -> str:
    return f"{job.code.hex}:{number}"


def _fail(job: Job, error: ProviderError) -> None:
    try:
        ending.fail(job, error)
    except ending.Lost:
        logger.info("job %s is no longer ours", job.code)


def order_of(job: Job) -> Order:
    """What the provider gets: bytes and words, nothing of ours."""
    inputs: list[Input] = list(job.inputs.all())
    if any(i.photo.deleted_at for i in inputs):
        raise ProviderError("photo_gone")
    return Order(
        code=str(job.code),
        tool=job.tool,
        prompt=_instructions(job, job.zone) if job.tool == Tool.TRYON else job.prompt,
        pictures=tuple(photos.read(i.photo) for i in inputs),
        zone=job.zone,
        box=tuple(job.box) if job.box else None,
        aspect=job.aspect,
        count=job.count,
        seed=job.seed,
        talk=_talk(job) if job.tool == Tool.ASSISTANT else None,
    )


def _instructions(job: Job, name: str) -> str:
    """Staff's words for the zone or the assistant. A job that was ordered keeps its version."""
    if job.provider_ref:
        return prompts.numbered(name, job.prompt_number)
    job.prompt_number, text = prompts.current(name)
    return text


def _talk(job: Job) -> Talk:
    system = _instructions(job, prompts.ASSISTANT)
    return Talk(system, job.owner.language, assistant.history(job))


def reporter(job: Job) -> Report:
    """Writes progress, not too often, and raises Lost when the job is no longer ours."""
    last = 0.0

    def report(percent: int, stage: str) -> None:
        nonlocal last
        if timezone.now() > job.deadline_at:
            raise ProviderError("expired")
        if time.monotonic() - last < REPORT_SECONDS:
            return  # nobody can read a stage that is shown for less
        last = time.monotonic()
        percent = max(job.percent, min(int(percent), 99))
        if not job.move((State.RUNNING,), percent=percent, stage=stage):
            raise ending.Lost
        live.announce(job)

    return report
