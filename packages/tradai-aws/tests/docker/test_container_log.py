"""The log of a container that is being removed, as a daemon answers for a moment."""

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests

from tradai.aws._docker.container_log import read_log
from tradai.aws._images.daemon import Daemon
from tradai.core.exceptions import NotFoundError

# Private on purpose: a real daemon is in this state for some milliseconds only.


class RemovingApi:
    """A client whose daemon has begun to remove the container."""

    base_url = "http://localhost"
    api_version = "1.41"
    timeout = 60

    def get(self, url: str, **_: Any) -> requests.Response:  # noqa: ANN401 - options of requests
        response = requests.Response()
        response.status_code = 409
        response.url = url
        response.reason, response.raw = "Conflict", io.BytesIO()
        return response


def test_the_log_of_a_container_that_is_being_removed_is_not_found() -> None:
    daemon = Daemon("unix:///nowhere.sock")
    removing = cast(Daemon, SimpleNamespace(api=RemovingApi(), translated=daemon.translated))

    with pytest.raises(NotFoundError, match="was removed while its log was read"):
        list(read_log(removing, "c0ffee", "stdout", follow=True))
