"""Waking a worker. Nobody depends on it being heard: the clock looks too."""

from __future__ import annotations

import logging

from celery import current_app

logger = logging.getLogger(__name__)


def ring(bell: str) -> None:
    try:
        current_app.send_task(bell, expires=60)
    except Exception:
        logger.warning("the bell could not be rung, the clock will", exc_info=True)
