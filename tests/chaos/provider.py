"""A provider that dawdles, fails and makes one wait, by a script that the order's code seeds.

It writes a line for every time it is asked, so that it can be counted how often it was.
"""

from __future__ import annotations

import io
import os
import random
import time
from decimal import Decimal

from PIL import Image, ImageOps

from generation.providers.base import Done, Fit, Order, ProviderError, Report, Waiting

SHARE_FAILING = 0.06
SHARE_WAITING = 0.2


class Provider:
    """Sleeps STEP_MIN to STEP_MAX seconds between reports; both and ASKED_LOG are environment."""

    name = "scripted"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self) -> None:
        self.steps = float(os.environ["STEP_MIN"]), float(os.environ["STEP_MAX"])
        self.log = os.environ["ASKED_LOG"]

    def examine(self, order: Order) -> None:
        """It can do everything."""

    def locate(self, person: bytes, zone: str) -> Fit:
        return Fit((0.25, 0.25, 0.5, 0.5))

    def start(self, order: Order, report: Report) -> Done | Waiting:
        self._remember(order)
        script = random.Random(order.code)
        for step in range(script.randint(1, 4)):
            report(step * 20, "fitting")
            time.sleep(script.uniform(*self.steps))
        if script.random() < SHARE_FAILING:
            raise ProviderError("no_image", "the script says so")
        if script.random() < SHARE_WAITING:
            return Waiting(f"ref-{order.code}", check_in=script.uniform(*self.steps), percent=50)
        return picture_of(order)

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        assert ref == f"ref-{order.code}"
        report(80, "fitting")
        return picture_of(order)

    def _remember(self, order: Order) -> None:
        line = f"{order.code} {os.getpid()} {time.time():.3f}\n"
        with open(self.log, "a") as file:
            file.write(line)


def picture_of(order: Order) -> Done:
    colour = f"#{order.code.replace('-', '')[:6]}"
    files = []
    for _number in range(order.count):
        out = io.BytesIO()
        ImageOps.colorize(Image.linear_gradient("L"), "white", colour).save(out, "JPEG")
        files.append(out.getvalue())
    return Done(tuple(files), "scripted-1", Decimal("0.5"))
