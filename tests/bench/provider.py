"""A provider that takes 20 ms, and writes down how long it really took."""

from __future__ import annotations

import io
import os
import time

from PIL import Image, ImageOps

from generation.providers.base import Done, Fit, Order, Report

SECONDS = 0.02


class Provider:
    name = "steady"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self) -> None:
        self.log = os.environ["ASKED_LOG"]
        out = io.BytesIO()
        ImageOps.colorize(Image.linear_gradient("L"), "white", "teal").save(out, "JPEG")
        self.picture = out.getvalue()

    def examine(self, order: Order) -> None:
        """It can do everything."""

    def locate(self, person: bytes, zone: str) -> Fit:
        return Fit((0.25, 0.25, 0.5, 0.5))

    def start(self, order: Order, report: Report) -> Done:
        begun = time.perf_counter()
        time.sleep(SECONDS)
        line = f"{order.code} {time.perf_counter() - begun:.6f}\n"
        with open(self.log, "a") as file:
            file.write(line)
        return Done((self.picture,) * order.count, "steady-1")

    def check(self, ref: str, order: Order, report: Report) -> Done:
        raise AssertionError("it never makes one wait")
