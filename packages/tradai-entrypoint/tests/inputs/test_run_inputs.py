"""Inputs of a run by URI: each is fetched once; paths and repositories stay as they are."""

from pathlib import Path

import pytest

from tradai.core import FileJournal
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint import Progress
from tradai.entrypoint._inputs.run_inputs import RunInputs, is_in_store


@pytest.mark.parametrize(
    "uri",
    [
        "data",
        "/data",
        "./s3:/data",
        "file:data",
        "file:///data",
        "parquet:///data",
        "arctic:lmdb:///data",
        "arctic:s3://host:bucket?aws_auth=true",
    ],
)
def test_files_and_repositories_of_candles_stay_as_they_are(uri: str, tmp_path: Path) -> None:
    with_nothing = RunInputs(
        tmp_path / "inputs",
        journal=FileJournal(tmp_path / "journal.jsonl"),
        progress=Progress(enabled=False),
    )

    assert with_nothing.folder_of(uri) == uri
    assert with_nothing.file_of(uri) == uri
    assert not (tmp_path / "inputs").exists()


@pytest.mark.parametrize("uri", ["s3://bucket/data", "memory:data", "gs://bucket"])
def test_other_schemes_are_of_stores(uri: str) -> None:
    assert is_in_store(uri)


def test_a_folder_with_a_colon_is_none_of_a_store() -> None:
    assert not is_in_store("data:2025")


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunInputs:
    """Inputs of a run with a cache of this test."""
    monkeypatch.setenv("TRADAI_INPUT_CACHE", str(tmp_path / "cache"))
    journal = FileJournal(tmp_path / "journal.jsonl")
    return RunInputs(tmp_path / "inputs", journal=journal, progress=Progress(enabled=False))


def test_a_scheme_without_a_store_is_refused(inputs: RunInputs) -> None:
    with pytest.raises(ConfigurationError, match=r"tradai\.stores has no gs: backend"):
        inputs.folder_of("gs://bucket/data/")


def test_a_store_without_the_objects_is_refused(inputs: RunInputs) -> None:
    # The memory: store of a URI is new and empty.
    with pytest.raises(NotFoundError, match="there are no objects below memory:data/"):
        inputs.folder_of("memory:data")
    with pytest.raises(NotFoundError):
        inputs.file_of("memory:data/markets.json")
