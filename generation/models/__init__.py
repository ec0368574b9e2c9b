"""Pictures, jobs, conversations and providers as rows."""

from generation.models.choices import (
    BUSY,
    FINAL,
    MESSAGE_LIMIT,
    OPEN,
    PICTURE_TOOLS,
    PROMPT_LIMIT,
    Aspect,
    State,
    Tool,
    Zone,
)
from generation.models.errands import Errand
from generation.models.jobs import Input, Job
from generation.models.photos import Draft, Photo
from generation.models.providers import Alert, Attempt, Heartbeat, ProviderSetting, Route
from generation.models.talk import Chat, Message, Prompt

__all__ = [
    "BUSY",
    "FINAL",
    "MESSAGE_LIMIT",
    "OPEN",
    "PICTURE_TOOLS",
    "PROMPT_LIMIT",
    "Alert",
    "Aspect",
    "Attempt",
    "Chat",
    "Draft",
    "Errand",
    "Heartbeat",
    "Input",
    "Job",
    "Message",
    "Photo",
    "Prompt",
    "ProviderSetting",
    "Route",
    "State",
    "Tool",
    "Zone",
]
