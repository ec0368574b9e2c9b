"""Jobs, pictures, conversations and providers for staff: see everything, change what is safe."""

from generation.admin import pictures, prompts, providers, talk

__all__ = ["pictures", "prompts", "providers", "talk"]
