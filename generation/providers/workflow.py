"""A ComfyUI workflow as pasted by staff: where our inputs go, what comes out, how far it is.

And what the server's answers say of its nodes.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image, ImageChops

from generation.providers import canvas
from generation.providers.base import MISCONFIGURED, Order, ProviderError
from generation.providers.vendor import DETAIL_CHARACTERS

Graph = dict[str, dict[str, Any]]
Target = tuple[str, str]
WORTH_TELLING = ("node_id", "node_type", "exception_type", "exception_message")
NEEDED = {"tryon": ("person", "item"), "edit": ("base", "prompt"), "imagine": ("prompt",)}


@dataclass(frozen=True)
class Workflow:
    """``graph`` is what ComfyUI's "Export (API)" gives; ``inputs`` name a node and its input."""

    tool: str
    graph: Graph
    inputs: Mapping[str, tuple[Target, ...]]
    named_outputs: tuple[str, ...] = ()

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The nodes whose pictures are ours: as named, else those that save, else the last ones."""
        if self.named_outputs:
            return self.named_outputs
        saving = [n for n, node in self.graph.items() if node["class_type"].startswith("SaveImage")]
        used = {source for node in self.graph.values() for source in _sources(node)}
        return tuple(saving or (n for n in self.graph if n not in used))

    def filled(self, values: Mapping[str, Any]) -> Graph:
        """The graph with our values in it. What is not mapped stays as staff left it."""
        graph = copy.deepcopy(self.graph)
        for name, value in values.items():
            for node, field in self.inputs.get(name, ()):
                graph[node]["inputs"][field] = value
        return graph

    def percent(self, nodes: Mapping[str, Any]) -> int:
        """1 to 99 from the nodes of a ``progress_state``; a node weighs as many as its steps.

        What a begun node needs is done too: cached nodes are never reported.
        """
        begun = {n: _fraction(state) for n, state in nodes.items() if n in self.graph}
        done = dict.fromkeys(self._before(begun), 1.0) | begun
        all_weights = sum(_weight(node) for node in self.graph.values())
        weight = sum(_weight(self.graph[n]) * fraction for n, fraction in done.items())
        return max(1, min(99, round(100 * weight / all_weights)))

    def _before(self, nodes: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(nodes)
        while waiting:
            sources = [s for s in _sources(self.graph[waiting.pop()]) if s not in found]
            found.update(sources)
            waiting.extend(sources)
        return found


def read(tool: str, row: Mapping[str, Any]) -> Workflow:
    """A workflow from options: ``graph`` (JSON or its text), ``inputs``, ``outputs``.

    An input is ``["6", "text"]``, or several of those. Raises MISCONFIGURED with what to mend.
    """
    graph = _graph(tool, row.get("graph"))
    try:
        inputs = {name: _targets(given) for name, given in dict(row.get("inputs") or {}).items()}
        outputs = tuple(str(node) for node in row.get("outputs") or ())
    except (TypeError, ValueError):
        raise _wrong(tool, 'an input is ["node", "input"], outputs are node ids') from None
    for name, node in [(name, t[0]) for name, ts in inputs.items() for t in ts]:
        if node not in graph:
            raise _wrong(tool, f"{name} goes to node {node}, which is not there")
    if strange := [node for node in outputs if node not in graph]:
        raise _wrong(tool, f"output {strange[0]} is not there")
    if missing := [name for name in NEEDED.get(tool, ()) if name not in inputs]:
        raise _wrong(tool, f"nothing takes the {missing[0]}")
    return Workflow(tool, graph, inputs, outputs)


def status(entry: Mapping[str, Any]) -> dict[str, Any]:
    status = entry.get("status")
    return status if isinstance(status, dict) else {}


def failure(messages: Any) -> str:
    """Why a run ended early, or nothing. Traceback and tensors stand beside: never take them."""
    for name, told in [m for m in messages or () if isinstance(m, list) and len(m) == 2]:
        if name in ("execution_error", "execution_interrupted"):
            told = told if isinstance(told, dict) else {}
            words = " ".join(str(told.get(key) or "")[:200] for key in WORTH_TELLING)
            return " ".join([name, *words.split()])[:DETAIL_CHARACTERS]
    return ""


def files(outputs: Any, wanted: tuple[str, ...]) -> list[dict[str, str]]:
    """Where the pictures of our output nodes lie."""
    found = []
    for node in wanted if isinstance(outputs, dict) else ():
        made = outputs.get(node)
        images = made.get("images") if isinstance(made, dict) else None
        found += [i for i in images or () if isinstance(i, dict) and i.get("filename")]
    keys = {"filename": "", "subfolder": "", "type": "output"}
    return [{key: str(file.get(key) or usual) for key, usual in keys.items()} for file in found]


def refused_nodes(answer: Mapping[str, Any]) -> set[str]:
    """Nodes that will not run, and the outputs that wait for them in vain."""
    errors = answer.get("node_errors")
    errors = errors if isinstance(errors, dict) else {}
    late = (e.get("dependent_outputs") or () for e in errors.values() if isinstance(e, dict))
    return {str(n) for n in errors} | {str(n) for names in late for n in names}


def complaint(answer: Mapping[str, Any]) -> str:
    """Which node wants what, in one line."""
    error, errors = answer.get("error"), answer.get("node_errors")
    parts = [str(error.get("message") if isinstance(error, dict) else error or "")]
    for node, told in errors.items() if isinstance(errors, dict) else ():
        told = told if isinstance(told, dict) else {}
        said = [str(e.get("details") or e.get("message")) for e in told.get("errors") or ()]
        parts.append(f"node {node} {told.get('class_type')}: {'; '.join(said)}")
    return " | ".join(part for part in parts if part)[:DETAIL_CHARACTERS]


def mask(order: Order) -> bytes:
    """White and transparent where to paint: LoadImage takes alpha's opposite for the mask, and
    LoadImageMask takes white, so that either will do."""
    white = canvas.mask_for(order)
    both = Image.merge("RGBA", (white, white, white, ImageChops.invert(white)))
    return canvas.png(both)


def pictures(order: Order) -> dict[str, bytes]:
    """The order's photos by the names that a workflow's inputs have."""
    if order.tool == "tryon":
        names = ["person", "item"]
    else:
        names = ["base", *(f"reference{n}" for n in range(1, len(order.pictures)))]
    return dict(zip(names, order.pictures, strict=False))


def _graph(tool: str, given: Any) -> Graph:
    """ComfyUI has a second format, with ``nodes`` and ``links``, which its API does not take."""
    try:
        graph = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise _wrong(tool, "the graph is not JSON") from None
    if not isinstance(graph, dict) or not graph:
        raise _wrong(tool, "there is no graph")
    for node in graph.values():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            raise _wrong(tool, 'the graph is not in API format: use "Export (API)"')
    return {str(n): {**node, "inputs": node.get("inputs") or {}} for n, node in graph.items()}


def _targets(given: Any) -> tuple[Target, ...]:
    pairs = [given] if given and not isinstance(given[0], (list, tuple)) else given
    return tuple((str(node), str(field)) for node, field in pairs)


def _sources(node: Mapping[str, Any]) -> list[str]:
    """The nodes that this one takes from: a link is ``[node id, output number]``."""
    values = node.get("inputs", {}).values()
    return [v[0] for v in values if isinstance(v, list) and len(v) == 2 and isinstance(v[0], str)]


def _weight(node: Mapping[str, Any]) -> float:
    steps = node.get("inputs", {}).get("steps")
    return float(steps) if isinstance(steps, int) and steps > 0 else 1.0


def _fraction(state: Any) -> float:
    if not isinstance(state, dict):
        return 0.0
    if state.get("state") == "finished":
        return 1.0
    value, most = state.get("value"), state.get("max")
    known = isinstance(value, (int, float)) and isinstance(most, (int, float)) and most > 0
    return max(0.0, min(1.0, value / most)) if known else 0.0


def _wrong(tool: str, what: str) -> ProviderError:
    return ProviderError(MISCONFIGURED, f"workflow of {tool}: {what}")
