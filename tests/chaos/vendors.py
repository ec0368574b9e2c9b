"""Two vendors that misbehave as the cell of each job says, and hold it for the kill."""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.cells import (
    AFTER,
    AT_THE_ORDER,
    BEFORE,
    DURING,
    LOST,
    NUMBER,
    PICTURES,
    POLICY,
    REFUSALS,
    REFUSED,
    SILENCES,
    SWALLOWED,
    WAITING,
    Cell,
    Kill,
    Order,
)
from tests.vendors import kie, openrouter
from tests.vendors.stub import HANG, RESET, Answer, Behaviour, Request, Stub

HOLD_SECONDS = 60
SAID = "the matrix says so"
WORK_SECONDS = 0.7


class Cast(Stub):
    """What both have in common: an order, its last answer, and the moments of the kill."""

    order_path = ""

    def __init__(self, cells: dict[int, Cell], read_seconds: float) -> None:
        super().__init__()
        self.cells, self.read_seconds = cells, read_seconds
        self.kill = Kill(set())
        self.one_at_a_time = threading.Lock()

    def react(self, request: Request) -> Behaviour:
        if request.path == self.order_path:
            return self.ordered(self.cell_of(request), request)
        if request.path.startswith("/p/"):
            cell = self.cell_of(request)
            return self.last_word(cell, Answer(200, PICTURES.get(cell.row, self.results[0])))
        return self.well(request)

    def well(self, request: Request) -> Behaviour:
        with self.one_at_a_time:
            return super().react(request)

    def cell_of(self, request: Request) -> Cell:
        raise NotImplementedError

    def cell_in(self, words: str) -> Cell:
        return self.cells[int(NUMBER.search(words)[1])]

    def ordered(self, cell: Cell, request: Request) -> Behaviour:
        cell.orders.append(order := Order())
        first = len(cell.orders) == 1
        if first and cell.column == BEFORE:
            order.fate = SWALLOWED
            return self.hold(cell)
        if first and cell.column == DURING:
            order.fate = LOST
            self.well(request)
            return self.hold(cell)
        if cell.row in AT_THE_ORDER and cell.column != WAITING:
            order.fate = LOST if cell.row in SILENCES else REFUSED
            return self.last_word(cell, self.failing(cell))
        return self.take(cell, request)

    def take(self, cell: Cell, request: Request) -> Behaviour:
        return self.well(request)

    def hold(self, cell: Cell) -> Behaviour:
        self.kill.arrive(cell)
        self.kill.done.wait(HOLD_SECONDS)
        return RESET

    def last_word(self, cell: Cell, said: Behaviour) -> Behaviour:
        """The answer that ends it. One that the kill is to follow goes out just before it."""
        if cell.column == AFTER and not self.kill.near.is_set():
            self.kill.arrive(cell)
            if said != HANG:
                self.kill.near.wait(HOLD_SECONDS)
        if cell.row in AT_THE_ORDER | PICTURES.keys() | {POLICY}:
            cell.failed_at = time.time() + (self.read_seconds if said == HANG else 0)
        return said

    def failing(self, cell: Cell) -> Behaviour:
        return SILENCES.get(cell.row) or self.refusal(REFUSALS[cell.row])

    def refusal(self, code: int) -> Answer:
        raise NotImplementedError


class OpenRouter(Cast, openrouter.OpenRouterStub):
    """Answers with an address: between the answer and the picture there is time to be killed."""

    order_path = openrouter.CHAT

    def __init__(self, cells: dict[int, Cell], read_seconds: float) -> None:
        super().__init__(cells, read_seconds)
        self.linked = True

    def cell_of(self, request: Request) -> Cell:
        if request.path.startswith("/p/"):
            return self.cell_in(self.words[int(request.path[3:-4])])
        return self.cell_in(request.json["messages"][0]["content"][0]["text"])

    def take(self, cell: Cell, request: Request) -> Behaviour:
        answer = self.well(request)
        if cell.row != POLICY:
            return answer
        said = {"role": "assistant", "content": None, "refusal": "not that"}
        refused = openrouter.chat("any", [], message=said, finish_reason="content_filter")
        return self.last_word(cell, Answer(200, refused))

    def refusal(self, code: int) -> Answer:
        return openrouter.wrong(code, SAID)


class Kie(Cast, kie.KieStub):
    """Works for a moment, then calls back as often and where the cell says."""

    order_path = kie.CREATE

    def __init__(self, cells: dict[int, Cell], read_seconds: float) -> None:
        super().__init__(cells, read_seconds)
        self.web, self.late_after = 0, 0.0
        self.addresses: dict[str, str] = {}
        self.ready_at: dict[str, float] = {}
        self.called: list[tuple[Cell, int]] = []

    def cell_of(self, request: Request) -> Cell:
        if request.path.startswith("/p/"):
            task = next(itertools.islice(self.tasks.values(), int(request.path[3:-4]), None))
            return self.cell_in(task.input["prompt"])
        if request.path == kie.RECORD:
            return self.cell_in(self.tasks[request.query["taskId"]].input["prompt"])
        return self.cell_in(request.json["input"]["prompt"])

    def react(self, request: Request) -> Behaviour:
        if request.path == kie.RECORD:
            return self.told(self.cell_of(request), request)
        return super().react(request)

    def well(self, request: Request) -> Behaviour:
        answer = super().well(request)
        if request.path == self.order_path and isinstance(answer, Answer) and answer.body["data"]:
            self.begin(self.cell_of(request), answer.body["data"]["taskId"], request)
        return answer

    def begin(self, cell: Cell, task: str, request: Request) -> None:
        self.addresses[task] = request.json.get("callBackUrl", "")
        threading.Thread(target=self.work, args=(cell, task, self.kill), daemon=True).start()

    def take(self, cell: Cell, request: Request) -> Behaviour:
        answer = self.well(request)
        if cell.column == WAITING:
            self.kill.arrive(cell)
        return answer

    def told(self, cell: Cell, request: Request) -> Behaviour:
        task = request.query["taskId"]
        if task not in self.ready_at:
            return kie.said(200, "success", self._fields(self.tasks[task], "generating"))
        if cell.row in AT_THE_ORDER and cell.column == WAITING:
            return self.last_word(cell, self.failing(cell))
        if cell.row != POLICY:
            return self.well(request)
        failed = {"state": "fail", "failCode": "400", "failMsg": "violates our content policy"}
        record = self._fields(self.tasks[task], "fail") | failed
        return self.last_word(cell, kie.said(200, "success", record))

    def refusal(self, code: int) -> Answer:
        return kie.said(code, SAID)

    def work(self, cell: Cell, task: str, kill: Kill) -> None:
        if cell.column == WAITING:
            kill.done.wait(HOLD_SECONDS)
        time.sleep(self.late_after if cell.row == "calls late" else WORK_SECONDS)
        self.ready_at[task] = time.time()
        times = {"calls never": 0, "calls thrice": 3}.get(cell.row, 1)
        for _time in range(times):
            threading.Thread(target=self.call, args=(cell, task), daemon=True).start()

    def call(self, cell: Cell, task: str) -> None:
        address = self.addresses[task]
        if cell.row == "calls elsewhere":
            others = (other for other in self.addresses.values() if other and other != address)
            address = next(others, address)
        if address:
            self.called.append((cell, self.post(urlsplit(address).path, self.news(task))))

    def news(self, task: str) -> dict[str, Any]:
        return {"code": 200, "msg": "done", "data": self._fields(self.tasks[task], "success")}

    def post(self, path: str, body: dict[str, Any]) -> int:
        """The status that the studio answered with; 0: it did not."""
        url, kind = f"http://127.0.0.1:{self.web}{path}", {"Content-Type": "application/json"}
        try:
            request = urllib.request.Request(url, json.dumps(body).encode(), kind)
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0
