"""Behaviour without ArcticDB; with it, tests-integration/arctic goes on."""

import importlib.util
import traceback

import pytest

from tradai.core import backend_for
from tradai.core.arcticdb import ArcticDBDataRepository
from tradai.core.exceptions import ConfigurationError

ACCESS, SECRET = "FAKEACCESSKEYOFNOBODY", "fake/secret+of=nobody"
KEYS = f"access={ACCESS}&secret={SECRET}"

UNUSABLE = [
    "",
    "/candles",
    "lmdb:",
    "lmdb:///candles?map_size",
    "lmdb:///candles?map_size=",
    f"lmdb:///candles?{KEYS}",
    "mem://candles",
    f"azure://{KEYS}",
    f"s3://{ACCESS}:{SECRET}@host:bucket",
    "s3://host:bucket",
    "s3://host:bucket?region=eu-central-1",
    "s3://host:bucket?aws_auth=maybe",
    "s3://host:bucket?aws_auth=false",
    f"s3://host:bucket?access={ACCESS}",
    f"s3://host?{KEYS}",
    f"s3://host/bucket?{KEYS}",
    f"s3://host:bucket?{KEYS}&{SECRET}",
    f"s3://host:bucket?{KEYS}&password={SECRET}",
    f"s3://host:bucket?{KEYS}&port=",
    f"http://host:bucket?{KEYS}",
]


@pytest.mark.parametrize("uri", UNUSABLE)
def test_an_unusable_uri_is_refused_and_not_shown(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="expected lmdb:///folder") as caught:
        ArcticDBDataRepository(uri)

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert ACCESS not in shown
    assert SECRET not in shown
    assert caught.value.__context__ is None


@pytest.mark.skipif(bool(importlib.util.find_spec("arcticdb")), reason="ArcticDB is installed here")
@pytest.mark.parametrize("uri", ["lmdb:///candles?map_size=1GB", f"s3s://host:bucket?{KEYS}"])
def test_without_arcticdb_the_extra_is_named(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"install tradai-core\[arcticdb\]") as caught:
        backend_for("tradai.data", f"arctic:{uri}")

    assert SECRET not in str(caught.value)
