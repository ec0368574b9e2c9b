"""A cache that is away is an empty cache: limits and guesses suffer, requests do not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LEFT_ALONE_SECONDS = 2


class KeptClient(RedisCacheClient):
    """Django makes a client for every call, which takes longer than the call."""

    @cached_property
    def kept(self) -> Any:
        return super().get_client()

    def get_client(self, key: str | None = None, *, write: bool = False) -> Any:
        return self.kept


class ForgivingRedisCache(RedisCache):
    """Answers as if it held nothing while Redis does not answer.

    After a failure Redis is left alone for a while, so that one that hangs is waited for once and
    not in every call.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient
        self._away_until = 0.0

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._try(default, super().get, key, default, version)

    def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
        return self._try(False, super().add, key, *args, **kwargs)

    def set(self, key: str, *args: Any, **kwargs: Any) -> None:
        self._try(None, super().set, key, *args, **kwargs)

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._try(False, super().delete, key, version)

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._try(False, super().has_key, key, version)

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        return self._try({}, super().get_many, keys, version)

    def _try(self, otherwise: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < self._away_until:
            return otherwise
        try:
            return call(*args, **kwargs)
        except RedisError as error:
            self._away_until = time.monotonic() + LEFT_ALONE_SECONDS
            logger.warning("the cache does not answer: %s", error)
            return otherwise
