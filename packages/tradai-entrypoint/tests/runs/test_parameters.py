from typing import Final

from tradai.entrypoint._runs.parameters import RunParameters

# Parameters of the first runs; a run without later ones keeps its digest.
FIRST: Final = {
    *("timerange", "startup_candles", "informative", "epochs", "spaces", "loss", "random_state"),
    *("jobs", "freqai_model", "start_deadline_s", "stop_timeout_s", "exchange_url"),
}


def test_a_parameter_that_came_later_is_digested_only_where_it_is_set() -> None:
    unset = RunParameters.model_validate({})
    limited = RunParameters.model_validate({"max_idle": "30m"})

    assert unset.canonical().keys() == FIRST
    assert limited.canonical() == unset.canonical() | {"max_idle": "30m"}
