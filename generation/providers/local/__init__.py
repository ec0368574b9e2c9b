"""The built-in provider: real work on pixels with OpenCV, no key, no network, no model file.

Modules are imported when a job needs them: OpenCV would add 0.3 s to every start of the studio.
"""

from __future__ import annotations

from ..base import Box, Done, Fit, Order, ProviderError, Report

MODEL = "local-1"
STAGES = ("reading", "cutting_out", "finding_place", "fitting", "blending", "painting", "finishing")

__all__ = ["MODEL", "STAGES", "Box", "Local", "locate"]


class Local:
    """Translates an order to the functions that draw, and what they make to ``Done``."""

    name = "local"
    tools = frozenset({"tryon", "edit", "imagine", "assistant"})

    def examine(self, order: Order) -> None:
        """Raises ``ProviderError`` for what this provider cannot do, before anything is charged."""
        _tool(order).examine(order)

    def is_free(self, prompt: str) -> bool:
        """Whether an edit's words only turn, mirror and crop: for that we take nothing."""
        from . import edit

        return edit.is_free(prompt)

    def locate(self, person: bytes, zone: str) -> Fit:
        """Where an item of ``zone`` would go on the person, at most 0.15 s at 1024 px."""
        return locate(person, zone)

    def start(self, order: Order, report: Report) -> Done:
        if order.tool == "assistant":
            return Done((), MODEL, answer=_tool(order).answer(order, report))
        return Done(pictures=_tool(order).pictures(order, report), model=MODEL)

    def check(self, ref: str, order: Order, report: Report) -> Done:
        """Never asked: ``start`` always returns the pictures themselves."""
        raise ProviderError("nothing_waits", f"local has no job {ref!r}")


def locate(person: bytes, zone: str, item_size: tuple[int, int] | None = None) -> Fit:
    """Where an item of ``zone`` would go on the person: see ``places.locate``."""
    from .places import locate as find

    return find(person, zone, item_size)


def _tool(order: Order):
    """The module that does ``order.tool``."""
    from . import assistant, edit, imagine, tryon

    tools = {"tryon": tryon, "edit": edit, "imagine": imagine, "assistant": assistant}
    if order.tool not in tools:
        raise ProviderError("tool_unknown", order.tool)
    return tools[order.tool]
