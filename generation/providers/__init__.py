"""The providers by name. One adapter, one entry."""

from __future__ import annotations

from generation.providers.base import Provider
from generation.providers.local import Local

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Local(),)}
