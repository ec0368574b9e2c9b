"""What the OpenAPI schema says of refusals: they all have one shape, so it is said once."""

from __future__ import annotations

from typing import Any

REFUSAL = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "stable, to be compared"},
                "message": {"type": "string", "description": "a sentence for the person"},
                "fields": {"type": "object", "description": "what is wrong, by field"},
            },
            "additionalProperties": True,
        }
    },
}


def say_refusals(result: dict[str, Any], **_rest: Any) -> dict[str, Any]:
    """drf-spectacular's hook: every operation may answer 4XX and 5XX in the shape of errors."""
    result["components"].setdefault("schemas", {})["Refusal"] = REFUSAL
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for item in result["paths"].values():
        for operation in item.values():
            operation["responses"]["4XX"] = {"description": "Refused", "content": content}
            operation["responses"]["5XX"] = {"description": "Our fault", "content": content}
    return result
