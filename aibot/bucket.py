"""Photos in a bucket: S3, MinIO, or any server that speaks like them."""

from __future__ import annotations

from typing import Any

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 20, 3


def storage(bucket: str, where: dict[str, str], addressing: str) -> dict[str, Any]:
    """The entry of STORAGES. ``where`` is endpoint, region and keys; empty ones are left to boto3.

    Its own patience is a minute for each of five tries, in which a person would wait for a page.
    """
    from botocore.config import Config  # an extra, see requirements/s3.in

    config = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS,
        retries={"total_max_attempts": TRIES}, signature_version="s3v4",
        s3={"addressing_style": addressing},
    )  # fmt: skip
    options = {
        "bucket_name": bucket, "client_config": config, "default_acl": None,
        # Names are drawn by lot, so there is nobody to ask whether one is taken.
        "file_overwrite": True,
    }  # fmt: skip
    options |= {name: value for name, value in where.items() if value}
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
