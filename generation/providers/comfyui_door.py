"""ComfyUI's HTTP door: who we say we are, and what its answers mean."""

from __future__ import annotations

import base64
from typing import Any

import httpx2

from generation.providers import workflow
from generation.providers.base import MISCONFIGURED, TRANSIENT, ProviderError
from generation.providers.vendor import Vendor, json_of


class Door(Vendor):
    """A 400 speaks of the workflow or its models, which staff must mend, and names the nodes."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        if answer.status_code == 400 and answer.request.url.path.endswith("/prompt"):
            return ProviderError(MISCONFIGURED, workflow.complaint(told(answer)))
        return None


def authorization(key: str) -> dict[str, str]:
    """The headers for the proxy before it, if there is one."""
    if not key:
        return {}
    if ":" in key:
        return {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
    return {"Authorization": f"Bearer {key}"}


def told(answer: httpx2.Response) -> dict[str, Any]:
    """The answer to a question. Nonsense here leaves nothing in doubt: ask again."""
    try:
        return json_of(answer)
    except ProviderError as error:
        raise ProviderError(TRANSIENT, error.detail, permanent=False) from None
