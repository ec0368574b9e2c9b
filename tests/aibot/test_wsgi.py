"""A body that is refused unread is read all the same, so that the answer arrives."""

from __future__ import annotations

import io

import pytest
from django.test import RequestFactory

from aibot import wsgi


def refused(body: io.BytesIO, length: int) -> str:
    request = RequestFactory().post(
        "/api/v1/photos/", content_type="multipart/form-data; boundary=x"
    )
    environ = request.environ | {"wsgi.input": body, "CONTENT_LENGTH": str(length)}
    said = []
    answer = wsgi.application(environ, lambda status, _headers: said.append(status))
    answer.close()
    return said[0]


@pytest.mark.django_db
def test_what_is_refused_unread_is_read_to_its_end() -> None:
    body = io.BytesIO(b"x" * 5_000_000)
    assert refused(body, 5_000_000).startswith("401")
    assert body.tell() == 5_000_000


@pytest.mark.django_db
def test_nobody_makes_us_read_without_end() -> None:
    body = io.BytesIO(b"x" * 30_000_000)
    refused(body, 30_000_000)
    assert body.tell() == wsgi.MOST_READ
