"""S3Store under the contract of every object store, on each stand-in."""

from dataclasses import replace

import pytest
from servers.aws import new_bucket, settings_at

from tradai.aws import S3Store
from tradai.core import ObjectStore
from tradai.core.testing import ObjectStoreContract


class OnServer(ObjectStoreContract):
    server: str

    @pytest.fixture
    def url(self, request: pytest.FixtureRequest) -> str:
        url: str = request.getfixturevalue(self.server)
        return url

    @pytest.fixture
    def store(self, url: str) -> ObjectStore:
        return S3Store(settings_at(url))

    @pytest.fixture
    def base(self, url: str) -> str:
        return f"s3://{new_bucket(settings_at(url))}/runs/"


class TestOnLocalStack(OnServer):
    server = "localstack"


class TestOnMinistack(OnServer):
    server = "ministack"

    def test_list_describes_like_stat(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}one", b"12345")

        # ministack lists times with milliseconds, S3 without.
        (listed,) = store.list(base)
        assert replace(listed, modified=listed.modified.replace(microsecond=0)) == store.stat(
            f"{base}one"
        )


class TestOnMoto(OnServer):
    server = "moto"
