"""What the page on S3 shows can be done."""

import re
from pathlib import Path

import pytest
from servers.aws import REGION, new_bucket, settings_at

from tradai.aws import S3Store


@pytest.fixture
def _environment(localstack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack)


def _program(root: Path, page: str) -> str:
    text = (root / "docs" / "how-to" / page).read_text()
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.mark.usefixtures("_environment")
def test_the_page_on_s3_runs_from_top_to_bottom(
    root: Path, localstack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = new_bucket(settings_at(localstack), is_versioned=True)
    store = S3Store(settings_at(localstack))
    store.write(f"s3://{bucket}/ohlcv.parquet", b"PAR1")
    store.write(f"s3://{bucket}/state.json", b'{"next": 1}')
    store.write(f"s3://{bucket}/limits.yaml", b"pairs: [BTC/USDT]\nstake: 50\n")
    store.write(
        f"s3://{bucket}/trend.yaml",
        b"name: Trend\nversion: 1.0.0\ntimeframe: 15m\npairs: [BTC/USDT]\n"
        b"strategy: {class: Trend, source: trend.py}\n",
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.zip").write_bytes(b"model")
    program = _program(root, "use-s3.md").replace("s3://lake", f"s3://{bucket}")

    # Its own text, which is in the repository.
    exec(compile(program, "use-s3.md", "exec"), {})  # noqa: S102

    assert (tmp_path / "ohlcv.parquet").read_bytes() == b"PAR1"
    assert store.read(f"s3://{bucket}/models/model.zip").data == b"model"
    assert store.read(f"s3://{bucket}/state.json").data == b'{"next": 2}'
