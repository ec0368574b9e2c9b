"""The HTTP door to a gateway: explicit time limits, a bounded answer, failures in our own terms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from billing.gateways.base import GatewayError
from billing.outside import NOT_SENT, USER_AGENT, Limit, trusted

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
LOOK_SECONDS = 10.0
WHOLE_SECONDS = 40.0
ANSWER_BYTES = 4 * 1024 * 1024


class Door:
    """One gateway's address. An order waits longer for its answer than a question does."""

    def __init__(self, base_url: str, *, auth: tuple[str, str] | None = None) -> None:
        self.base_url, self.auth = base_url, auth

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object. Raises GatewayError where none came: then nobody knows.

        The kind of an error is told and never its text, which may carry an address with a key.
        """
        try:
            return self._read(method, path, json=json, params=params, headers=headers)
        except NOT_SENT as error:
            raise GatewayError(type(error).__name__) from None
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            raise GatewayError(type(error).__name__, unknown=True) from None

    def _read(self, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:
        limit = Limit(WHOLE_SECONDS)
        extensions = {"trace": limit.see}
        with (
            self._client(READ_SECONDS if method == "POST" else LOOK_SECONDS) as client,
            limit,
            client.stream(method, path, extensions=extensions, **request) as answer,
        ):
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > ANSWER_BYTES:
                    raise ValueError
        return answer.status_code, _object(body)

    def _client(self, read_seconds: float) -> httpx2.Client:
        return httpx2.Client(
            base_url=self.base_url,
            auth=self.auth,
            headers={"User-Agent": USER_AGENT},
            timeout=httpx2.Timeout(read_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            verify=trusted(),
        )


def _object(body: bytes) -> dict[str, Any]:
    data = json.loads(body)
    if not isinstance(data, dict):
        raise ValueError
    return data
