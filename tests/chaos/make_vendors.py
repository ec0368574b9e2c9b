"""``python -m tests.chaos.make_vendors <JSON>``: each tool is asked from one vendor only.

The JSON is {tool: {"name", "base_url", "options"}}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

AT_ONCE = 500


def main(vendors: dict[str, dict[str, Any]]) -> None:
    django.setup()
    from generation.models import ProviderSetting, Route

    Route.objects.all().delete()
    for tool, fields in vendors.items():
        row = ProviderSetting.objects.get(name=fields.pop("name"))
        ProviderSetting.objects.filter(pk=row.pk).update(concurrency=AT_ONCE, **fields)
        Route.objects.create(tool=tool, provider=row)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
