"""Making one job's pictures: order, provider, check, mark, store, end.

Nothing here holds a transaction while a provider works. Every write says which claim it belongs to.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.utils import timezone

from generation import ending, live, photos, prompts, queue, routing, sandbox, watermark
from generation.models import Input, Job, Photo, ProviderSetting, State, Tool
from generation.providers.base import Done, Order, ProviderError, Report, Waiting

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25


def work() -> bool:
    """Do one ready job. Returns whether there was one."""
    job = queue.claim()
    if job is None:
        return False
    make(job)
    if Job.objects.ready().exists():
        queue.ring()
    return True


def make(job: Job) -> None:
    """Take a claimed job to its end, or to the next time that its provider is asked."""
    try:
        with _lease(job):
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
    except routing.Busy as busy:
        queue.put_aside(job, "", check_in=busy.seconds, percent=job.percent)
        return
    except ProviderError as error:
        _go_on_or_fail(job, error)
        return
    if isinstance(answer, Waiting):
        queue.put_aside(job, answer.ref, check_in=answer.check_in, percent=answer.percent)


def _ask(job: Job, order: Order, report: Report) -> Done | Waiting:
    """Ask how an order goes, or place one; deliver what is done."""
    if job.provider_ref:
        setting = routing.setting_of(job.provider)
        answer = routing.made(setting).check(job.provider_ref, order, report)
    else:
        setting = _place(job)
        answer = routing.made(setting).start(order, report)
    if isinstance(answer, Done):
        _deliver(job, answer, setting, order, report)
    return answer


def _place(job: Job) -> ProviderSetting:
    """Write down whom this job is ordered from, before anybody is asked."""
    setting = routing.choose(job)
    if not job.move((State.RUNNING,), provider=setting.name):
        raise ending.Lost
    routing.begin(job, setting)
    return setting


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
        clean = _cleaned(watermark.draw(clean.master))
    return photos.keep(
        clean, owner_id=job.owner_id, digest=_digest(job, number), job=job, number=number
    )


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
        prompt=prompts.for_zone(job.zone) if job.tool == Tool.TRYON else job.prompt,
        pictures=tuple(photos.read(i.photo) for i in inputs),
        zone=job.zone,
        box=tuple(job.box) if job.box else None,
        aspect=job.aspect,
        count=job.count,
        seed=job.seed,
    )


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


@contextmanager
def _lease(job: Job) -> Iterator[None]:
    """Keeps the job ours while a provider works, from a thread of its own."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(job, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


def _beat(job: Job, done: threading.Event) -> None:
    while not done.wait(settings.JOB_HEARTBEAT_SECONDS):
        try:
            if not queue.extend_lease(job):
                break
        except Exception:
            # The database may be back before the lease runs out: try again at the next beat.
            logger.warning("the lease of %s could not be extended", job.code, exc_info=True)
            connection.close()
    connection.close()
