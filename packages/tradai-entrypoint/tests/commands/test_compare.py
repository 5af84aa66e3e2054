"""`compare`, until its first run."""

import pytest

from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command


@pytest.mark.parametrize("words", [["a.yaml"], ["a.yaml", "a.yaml"], ["a.yaml", "execution.fee=0"]])
def test_one_configuration_alone_is_not_compared(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command(["compare", *words], interrupts=Interrupts())

    assert code == 78
    assert "compare needs two or more configurations, and got a.yaml alone" in (
        capsys.readouterr().err
    )
