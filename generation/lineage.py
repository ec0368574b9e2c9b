"""Pictures that a free tool made from another: which one, and by what recipe."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from PIL import Image

from generation import photos
from generation.decoding import RESULT, encoded
from generation.models import Photo

# What was done, by what stands in the recipe.
HOW = {
    "mirror": _("mirrored"),
    "degrees": _("rotated"),
    "box": _("cropped"),
    "aspect": _("cropped"),
    "side": _("resized"),
    "card": _("before and after"),
}


def known(parent: Photo, recipe: dict[str, Any]) -> Photo | None:
    """What was made of it by this recipe before. From now on it is kept as long as a new one."""
    same = _same(parent, recipe)
    until = timezone.now() + photos.RESULT_KEPT
    same.filter(kept_until__lt=until).update(kept_until=until)
    return same.first()


def keep(parent: Photo, picture: Image.Image, recipe: dict[str, Any], *, as_png: bool) -> Photo:
    """One more picture of the parent's owner; once for a recipe, however often it is made."""
    mark = {"mark": True} if parent.is_marked else {}
    made = photos.keep(
        encoded(picture, RESULT, as_png=as_png), owner_id=parent.owner_id,
        digest=_digest(parent, recipe), parent=parent, root_id=parent.root_pk, recipe=recipe | mark,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        photos.remove([made.master, made.thumb])
        return _same(parent, recipe).get()
    return made


def how(photo: Photo) -> str:
    """ "Rotated, cropped"; nothing for what no free tool made."""
    words = dict.fromkeys(str(word) for name, word in HOW.items() if name in photo.recipe)
    return ", ".join(words).capitalize()


def _same(parent: Photo, recipe: dict[str, Any]) -> Any:
    same = parent.children.filter(digest=_digest(parent, recipe), deleted_at=None)
    return same.select_related("parent")


def _digest(parent: Photo, recipe: dict[str, Any]) -> str:
    words = f"{parent.code}:{json.dumps(recipe, sort_keys=True)}"
    return hashlib.sha256(words.encode()).hexdigest()
