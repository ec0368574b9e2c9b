"""What keys moved, looked up for many at once, so that an audit of millions stays small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet, Sum

from billing.models import Entry

AT_ONCE = 2_000


def in_parts(rows: QuerySet[Any, Any]) -> Iterator[list[Any]]:
    """The rows, so many at a time that one question about their keys answers for all of them."""
    all_rows = rows.iterator(AT_ONCE)
    while some := list(islice(all_rows, AT_ONCE)):
        yield some


def moves(keys: Iterable[str]) -> Counter[str]:
    """Units by key; 0 where a key moved nothing."""
    entries = Entry.objects.filter(key__in=list(keys)).values_list("key").order_by()
    return Counter(dict(entries.annotate(units=Sum("delta"))))
