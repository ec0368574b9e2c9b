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
    "no_answer": _("The assistant found no words. Nothing was charged. Please ask again."),
    "unchanged": _("The picture came out the same as before. Nothing was charged. Ask for more."),
    "button_of_another": _("These buttons belong to somebody else."),
    "photo_gone": _("A photo for this was deleted. Nothing was charged. Choose it again."),
}

# What the built-in provider says before it begins; charged nothing, so nothing is said of money.
PROVIDER = {
    "no_person": _(
        "We cannot find a face looking at the camera. Drag a frame to where the item should go."
    ),
    "no_body": _("The photo shows too little of the body. Drag a frame or choose another photo."),
    "no_head": _("The photo shows too little of the head. Drag a frame or choose another photo."),
    "no_face": _("The photo shows too little of the face. Drag a frame or choose another photo."),
    "no_neck": _("The photo shows too little of the neck. Drag a frame or choose another photo."),
    "no_legs": _("The photo shows too little of the legs. Drag a frame or choose another photo."),
    "no_hands": _("We cannot see the hands clearly. Drag a frame to the wrist."),
    "item_not_found": _(
        "We cannot tell the item from its background. Nothing was charged. "
        "Take its photo on a plain background."
    ),
    "two_photos_needed": _("Add a photo of yourself and a photo of the item."),
    "photo_needed": _("Choose a photo to edit."),
    "unreadable": _("A photo cannot be opened. Nothing was charged. Choose another one."),
    "too_large": _("The picture is larger than %(limit)s px. Nothing was charged."),
    "too_large_to_enlarge": _("Only pictures up to %(limit)s px can be made twice as large."),
    "not_understood": _(
        "We did not understand: “%(words)s”. Nothing was charged. "
        "Say it more simply, for example “blur the background”."
    ),
    "region_not_found": _(
        "We cannot find that part of the photo. Nothing was charged. Name another one."
    ),
    "colour_not_found": _(
        "There is nothing of that colour in the photo. Nothing was charged. Name another one."
    ),
    "words_needed": _("Say in words what you would like to see."),
    "size_unknown": _("Choose one of the shapes offered, and 1 to 4 pictures."),
}

# The taxonomy of providers/base.py. The person need not know whose machine it was.
VENDOR = {
    "transient": _("The picture machine had a hiccup. Nothing was charged. Please try again."),
    "rate_limited": _("Too many people at once. Nothing was charged. Try again in a minute."),
    "misconfigured": _("This tool is out of order; we know. Nothing was charged."),
    "no_credits": _("This tool rests for the moment; we know. Nothing was charged."),
    "invalid_input": _(
        "The picture machine cannot work with this. Nothing was charged. "
        "Try another photo or other words."
    ),
    "policy": _("This is not something we may draw. Nothing was charged. Ask for something else."),
    "outcome_unknown": _("No picture came back. Nothing was charged. Please try again."),
}

# The free tools charge nothing, so nothing is said of money.
FREE = {
    "nothing_to_change": _("Nothing would change. Turn the picture, or choose a part or a size."),
    "cut_too_small": _("Too little is left. Choose a part of at least %(limit)s px each way."),
    "too_thin": _("The picture would be thinner than %(limit)s px. Choose a larger size."),
    "larger_than_it_is": _("The picture has only %(limit)s px. Choose a smaller size."),
    "nothing_before": _("This picture was made of no photo, so there is nothing to compare."),
}

ASKING = {
    "switched_off": _("This tool is switched off."),
    "photo_unknown": _("This photo is not there any more. Choose another one."),
    "link_expired": _("This link has run out. Reload the page."),
    "too_late": _("It is too late to cancel this."),
    "not_failed": _("Only a picture that failed or was cancelled can be tried again."),
    "key_reused": _("This Idempotency-Key was used for another request."),
    "still_answering": _("The assistant is still thinking about your last message."),
    "words_gone": _("Your words for this are not kept any more. Ask for it anew."),
    "kept_a_day": _("Photos that you send are deleted after 24 hours; favourites are made here."),
    "too_many_jobs": _("You have %(limit)s pictures waiting. Let one finish first."),
}

STAGES = {
    "": "",
    "queued": _("In the queue"),
    "starting": _("Getting ready"),
    "thinking": _("Thinking"),
    "reading": _("Opening the photo"),
    "cutting_out": _("Cutting out the item"),
    "finding_place": _("Finding where it goes"),
    "fitting": _("Fitting it to size"),
    "blending": _("Matching light and edges"),
    "painting": _("Painting"),
    "finishing": _("Finishing touches"),
    "saving": _("Saving the picture"),
}


SENTENCES = PHOTO | JOB | PROVIDER | VENDOR | FREE | ASKING


def refused(code: str, *, status: int = 422, **data: Any) -> Problem:
    """The problem with this code. A code without a sentence is a bug and reads as one."""
    return Problem(code, sentence(code, data), status=status, **data)


def sentence(code: str, data: dict[str, Any] | None = None) -> Any:
    """What the person reads for a code; ``data`` fills in its blanks."""
    text = SENTENCES.get(code, JOB["broken"])
    return text % _readable(data or {}) if "%(" in str(text) else text


def _readable(data: dict[str, Any]) -> dict[str, str]:
    """Values as they stand in a sentence; whatever is missing is left out of it."""
    words = {
        key: ", ".join(value) if isinstance(value, list) else value for key, value in data.items()
    }
    return {"words": "…", "limit": "…", **words}
