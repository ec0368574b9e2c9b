"""What kie knows of a task: its record, which holds JSON inside strings."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from generation.providers.foreign import as_dict, as_number
from generation.providers.kie.refusals import meaning


@dataclass(frozen=True)
class Record:
    """What kie knows of a task. A state that we have never heard of is not the end."""

    state: str
    model: str = ""
    urls: tuple[str, ...] = ()
    credits: Decimal | None = None
    failure: str = ""
    words: str = ""
    age: float = 0.0


def raise_failed(records: list[Record]) -> None:
    for record in records:
        if record.state == "fail":
            code = int(record.failure) if record.failure.isdecimal() else 501
            error = meaning(code, record.words)
            error.accepted = True
            raise error


def record_of(data: dict[str, Any]) -> Record:
    born = as_number(data.get("createTime"))
    return Record(
        state=str(data.get("state") or ""),
        model=str(data.get("model") or ""),
        urls=_urls(data.get("resultJson")),
        credits=as_number(data.get("creditsConsumed")),
        failure=str(data.get("failCode") or ""),
        words=str(data.get("failMsg") or ""),
        age=max(0.0, time.time() - float(born) / 1000) if born else 0.0,
    )


def _urls(result: Any) -> tuple[str, ...]:
    """The addresses out of ``resultJson``, which is JSON inside a string."""
    try:
        found = as_dict(json.loads(result) if isinstance(result, str) else result).get("resultUrls")
    except ValueError:
        return ()
    return tuple(url for url in found if isinstance(url, str)) if isinstance(found, list) else ()
