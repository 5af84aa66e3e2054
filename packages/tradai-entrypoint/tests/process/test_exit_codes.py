from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint import ExitCode


def test_each_exit_code_maps_to_itself_and_any_other_to_a_crash() -> None:
    assert [ExitCode.of(int(code)) for code in ExitCode] == list(ExitCode)
    assert ExitCode.of(99) is ExitCode.CRASHED
    assert ExitCode.of_error(ExternalServiceError("x", service="s", operation="o")) == 69
