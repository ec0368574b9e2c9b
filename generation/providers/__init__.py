"""The providers by name: how each is made from its configuration. One adapter, one entry."""

from __future__ import annotations

from collections.abc import Callable

from generation.providers.automatic1111 import Automatic1111
from generation.providers.base import Config, Provider
from generation.providers.chat import Chat
from generation.providers.comfyui import ComfyUI
from generation.providers.diffusers import Diffusers
from generation.providers.gemini import Gemini
from generation.providers.kie import Kie
from generation.providers.local import Local
from generation.providers.openai import OpenAI
from generation.providers.openrouter import OpenRouter

_local = Local()

PROVIDERS: dict[str, Callable[[Config], Provider]] = {
    "kie": Kie,
    "openrouter": OpenRouter,
    "openai": OpenAI,
    "gemini": Gemini,
    "comfyui": ComfyUI,
    "automatic1111": Automatic1111,
    "diffusers": Diffusers,
    "chat": Chat,
    "local": lambda _config: _local,
}

OWN_MACHINE = frozenset({"diffusers", "local"})
"""Those that work right here, on the machine of the worker; the others are waited for."""
