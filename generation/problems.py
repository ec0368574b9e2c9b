"""Everything that can go wrong with pictures, in words for the person.

Codes are stable and part of the API. A provider's own text never appears here.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.problem import Problem

PHOTO = {
    "photo_empty": _("The file is empty. Choose another photo."),
    "photo_too_large": _("The photo is larger than 10 MB. Choose a smaller one."),
    "photo_too_many_pixels": _("The photo has more than 40 megapixels. Choose a smaller one."),
    "photo_not_supported": _("This is not a photo we can read. Send JPEG, PNG, WebP or HEIC."),
    "photo_broken": _("The photo is damaged. Choose another one or save it anew."),
    "photo_too_small": _("The photo is too small to work with. Choose a larger one."),
    "photo_timeout": _("The photo took too long to read. Choose another one."),
}

HINTS = {
    "dark": _("The photo is rather dark. A lighter one gives a better picture."),
    "blurred": _("The photo is blurred. A sharper one gives a better picture."),
    "tiny": _("The photo is small. A larger one gives a better picture."),
}

JOB = {
    "expired": _("It took too long, so we stopped. Nothing was charged. Please try again."),
    "lost": _("Our machine stopped in the middle. Nothing was charged. Please try again."),
    "broken": _("Something went wrong on our side. Nothing was charged. Please try again."),
    "no_image": _("No picture came out. Nothing was charged. Try other photos or words."),
    "unchanged": _("The picture came out the same as before. Nothing was charged. Ask for more."),
    "photo_gone": _("A photo for this was deleted. Nothing was charged. Choose it again."),
}

ASKING = {
    "photo_unknown": _("This photo is not there any more. Choose another one."),
    "link_expired": _("This link has run out. Reload the page."),
    "too_late": _("It is too late to cancel this."),
    "not_failed": _("Only a picture that failed or was cancelled can be tried again."),
    "key_reused": _("This Idempotency-Key was used for another request."),
    "too_many_jobs": _("You have %(limit)s pictures waiting. Let one finish first."),
}

STAGES = {
    "": "",
    "queued": _("In the queue"),
    "starting": _("Getting ready"),
    "saving": _("Saving the picture"),
}


def refused(code: str, *, status: int = 422, **data: Any) -> Problem:
    """The problem with this code. A code without a sentence is a bug and reads as one."""
    return Problem(code, sentence(code, data), status=status, **data)


def sentence(code: str, data: dict[str, Any] | None = None) -> Any:
    """What the person reads for a code; ``data`` fills in its blanks."""
    text = {**PHOTO, **JOB, **ASKING}.get(code, JOB["broken"])
    return text % data if data and "%(" in str(text) else text
