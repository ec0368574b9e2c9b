"""A storm of notifications: genuine ones doubled, shuffled and lying, among forgeries of all kinds.

The studio runs as in production (gunicorn behind one proxy, worker, clock) against a YooKassa that
hangs while the storm lasts. Afterwards each payment is credited exactly once with what the
gateway's API says, and nothing forged has left a trace. Run: ``python -m tests.bench.storm``.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.bench.report import p50_p99
from tests.chaos.stand import Stand
from tests.vendors.stub import Behaviour, Request
from tests.vendors.yookassa import SECRET, SHOP, YooKassaStub

ORDERS, COPIES, HANG_SECONDS = 1000, 10, 30.0
SENDERS = 16
SETTLED_SECONDS = 180
GENUINE, LIAR = "185.71.76.5", "203.0.113.9"
EVENTS = ("payment.succeeded", "payment.canceled", "payment.waiting_for_capture")
HOOK = "/hooks/yookassa/"


class HangingStub(YooKassaStub):
    """Takes every question and does not answer before ``back`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.back = threading.Event()
        self.back.set()

    def react(self, request: Request) -> Behaviour:
        self.back.wait(120)
        return super().react(request)


@dataclass(frozen=True)
class Call:
    """A request to the door, and how it must be answered."""

    body: bytes
    status: int
    passed: str = GENUINE  # as the proxy writes it


@dataclass
class Result:
    """``wrong`` is what must not be: nothing, one hopes."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    settled_seconds: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)


def run(orders: int, copies: int, hang_seconds: float, seed: int = 7) -> Result:
    dice, result = random.Random(seed), Result()
    with HangingStub() as stub, Stand("storm", **_settings(stub)) as stand:
        made = json.loads(stand.python("-m", "tests.bench.make_orders", str(orders)))
        expected = _decide(stub, made)
        _start(stand)
        if hang_seconds:
            stub.back.clear()
            threading.Timer(hang_seconds, stub.back.set).start()
        _send_all(stand, _calls(dice, list(made), orders * copies), result)
        stub.back.wait()
        begun = time.monotonic()
        _wait(stand, expected, result)
        result.settled_seconds = time.monotonic() - begun
        _judge(stand, expected, result)
    return result


def _settings(stub: YooKassaStub) -> dict[str, str]:
    return {
        "YOOKASSA_URL": stub.address, "YOOKASSA_SHOP_ID": SHOP, "YOOKASSA_SECRET_KEY": SECRET,
        "TRUSTED_PROXIES": "1",
    }  # fmt: skip


def _decide(stub: YooKassaStub, made: dict[str, str]) -> dict[str, str]:
    """What the gateway's API will say of each, and so what must become of it."""
    odd = {
        1: {"amount": {"value": "1.00", "currency": "RUB"}},
        2: {"amount": {"value": "199.00", "currency": "USD"}},
        3: {"recipient": {"account_id": "1", "gateway_id": "1"}},
        4: {"metadata": {"order": str(uuid.uuid4())}},
    }
    expected = {}
    for number, (payment_id, order) in enumerate(made.items()):
        kind = number % 25
        stub.order(payment_id, order, "199.00")
        if kind == 0:
            stub.cancel(payment_id)
        else:
            stub.pay(payment_id, **odd.get(kind, {}))
        expected[payment_id] = "canceled" if kind == 0 else "trouble" if kind in odd else "paid"
    return expected


def _start(stand: Stand) -> None:
    run_module = [sys.executable, "-m"]
    stand.start("web", [*run_module, "gunicorn", "aibot.wsgi", f"--bind=127.0.0.1:{stand.web}",
                        "--workers=1", "--worker-class=gthread", "--threads=8"])  # fmt: skip
    stand.start("worker", [*run_module, "celery", "-A", "aibot", "worker", "-n", "worker@%h"])
    schedule = str(stand.folder / "schedule")
    stand.start("beat", [*run_module, "celery", "-A", "aibot", "beat", "-s", schedule])
    stand.wait_for(f"http://127.0.0.1:{stand.web}/livez")


def _calls(dice: random.Random, ids: list[str], total: int) -> list[Call]:
    """Seven of ten are YooKassa's own, each payment at least once; the order means nothing."""
    calls = [Call(_body(payment_id, "payment.succeeded"), 200) for payment_id in ids]
    while len(calls) < total:
        genuine = dice.random() < 0.7
        calls.append(_genuine(dice, ids) if genuine else _forged(dice, ids))
    dice.shuffle(calls)
    return calls


def _genuine(dice: random.Random, ids: list[str]) -> Call:
    """A copy in any order, whose facts may all be wrong: nobody should read them."""
    lies: dict[str, Any] = {
        "amount": {"value": dice.choice(["9999999.00", "-5", "199.00"]), "currency": "USD"},
        "recipient": {"account_id": "1"}, "metadata": {"order": str(uuid.uuid4())},
    }  # fmt: skip
    return Call(_body(dice.choice(ids), dice.choice(EVENTS), **lies), 200)


def _forged(dice: random.Random, ids: list[str]) -> Call:
    good = _body(dice.choice(ids), "payment.succeeded")
    return dice.choice(
        [
            Call(_body(str(uuid.UUID(int=dice.getrandbits(128))), dice.choice(EVENTS)), 200),
            Call(good[: len(good) // 2], 400),
            Call(b'{"event": [], "object": 7}', 400),
            Call(good, 403, LIAR),
            Call(good, 403, f"{GENUINE}, {LIAR}"),
            Call(good, 403, ""),
            Call(b'{"event": "' + b"x" * 1024 * 1024 + b'"}', 413),
        ]
    )


def _body(payment_id: str, event: str, **facts: Any) -> bytes:
    thing = {"id": payment_id, "status": event.partition(".")[2], "paid": True, **facts}
    return json.dumps({"type": "notification", "event": event, "object": thing}).encode()


def _send_all(stand: Stand, calls: list[Call], result: Result) -> None:
    with ThreadPoolExecutor(SENDERS) as threads:
        parts = [calls[number::SENDERS] for number in range(SENDERS)]
        answers = list(threads.map(lambda part: [_send(stand.web, call) for call in part], parts))
    for part, answered in zip(parts, answers, strict=True):
        for call, (status, seconds) in zip(part, answered, strict=True):
            result.statuses[status] += 1
            result.seconds.append(seconds)
            if status != call.status:
                result.wrong.append(f"answered {status} in place of {call.status}")


def _send(port: int, call: Call) -> tuple[int, float]:
    begun = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "X-Forwarded-For": call.passed,
               "X-Real-IP": GENUINE, "Forwarded": f"for={GENUINE}"}  # fmt: skip
    try:
        line.request("POST", HOOK, call.body, headers)
        return line.getresponse().status, time.perf_counter() - begun
    except OSError:
        return 413, time.perf_counter() - begun  # the server closed on a body that it will not read
    finally:
        line.close()


def _wait(stand: Stand, expected: dict[str, str], result: Result) -> None:
    """Until all that was paid is credited and all that was told is looked into."""
    paid = list(expected.values()).count("paid")
    end = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < end:
        ((credited, waiting),) = stand.rows(
            "SELECT (SELECT count(*) FROM billing_lot WHERE key LIKE 'payment:%%'), "
            "(SELECT count(*) FROM billing_notification WHERE done_at IS NULL)"
        )
        if credited >= paid and not waiting:
            return
        time.sleep(0.2)
    result.wrong.append(f"{credited} of {paid} credited, {waiting} notifications not looked into")


def _judge(stand: Stand, expected: dict[str, str], result: Result) -> None:
    rows = stand.rows(
        "SELECT p.gateway_id, p.status, p.trouble, l.granted, l.remaining, count(e.id) "
        "FROM billing_payment p LEFT JOIN billing_lot l ON l.id = p.lot_id "
        "LEFT JOIN billing_entry e ON e.lot_id = l.id GROUP BY p.id, l.id"
    )
    for gateway_id, status, trouble, granted, remaining, entries in rows:
        good = {
            "paid": status == "succeeded" and (granted, remaining, entries) == (100, 100, 1),
            "canceled": status == "canceled" and granted is None,
            "trouble": status == "pending" and bool(trouble) and granted is None,
        }
        if not good[expected[gateway_id]]:
            result.wrong.append(f"{gateway_id} is {status}, should be {expected[gateway_id]}")
    if len(rows) != len(expected):
        result.wrong.append(f"{len(rows)} payments in place of {len(expected)}")
    ((lots, notifications),) = stand.rows(
        "SELECT (SELECT count(*) FROM billing_lot WHERE key LIKE 'payment:%%'), "
        "(SELECT count(*) FROM billing_notification)"
    )
    result.rows = {"payments": len(rows), "lots": lots, "notifications": notifications}
    stand.manage("audit_ledger")


def main() -> None:
    result = run(ORDERS, COPIES, HANG_SECONDS)
    p50, p99 = p50_p99(result.seconds)
    print(f"storm: {ORDERS * COPIES} notifications, the gateway hangs for {HANG_SECONDS:.0f} s")
    print(f"    answered in {p50 * 1000:.1f} ms (p50), {p99 * 1000:.1f} ms (p99)")
    print(f"    {result.settled_seconds:.1f} s from the gateway's return to the last credit")
    print(f"    counted: {dict(result.statuses)}, {result.rows}")
    print(f"    wrong: {result.wrong[:10] or 'nothing'}", flush=True)
    if result.wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
