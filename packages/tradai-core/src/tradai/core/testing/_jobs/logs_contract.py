"""Conformance suite of job runners: logs, variables and secrets."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeAlias

import pytest

from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_runner import JobLine, JobRunner
from tradai.core._ports.job_spec import JobSpec
from tradai.core._secrets.redaction import register_secret
from tradai.core._secrets.reference import SecretReference
from tradai.core.exceptions import TradAIError
from tradai.core.testing._jobs.script import JobScript

SpecFor: TypeAlias = Callable[[str, JobScript], JobSpec]
Reopen: TypeAlias = Callable[[JobRunner], JobRunner]

_LONG_S: Final = 60.0
_MANY: Final = 2000
_THREE: Final = JobScript(lines=("one", "two", "three"))


class JobLogsContract:
    """Suite for the logs and the environment of a `JobRunner`'s jobs.

    Fixtures to define: those of `JobRunnerContract`, and ``secret``: a reference that the runner
    can resolve, as text, and its value.
    """

    def test_lines_come_in_order_and_numbered(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", _THREE))

        lines = list(runner.logs(handle))

        assert lines == [
            JobLine(number=1, text="one"),
            JobLine(number=2, text="two"),
            JobLine(number=3, text="three"),
        ]

    def test_lines_can_be_read_again_after_the_end(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", _THREE))
        runner.wait(handle)

        reads = [_texts(runner, handle), _texts(reopen(runner), handle)]

        assert reads == [["one", "two", "three"]] * 2

    def test_a_reader_resumes_after_the_last_line_it_knows(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", _THREE))
        runner.wait(handle)
        other = reopen(runner)

        rests = [[line.number for line in other.logs(handle, after=n)] for n in range(5)]

        assert rests == [[1, 2, 3], [2, 3], [3], [], []]

    def test_a_reader_that_follows_sees_lines_before_the_end(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", replace(_THREE, waits=True)))

        lines = runner.logs(handle)
        first = [next(lines).text for _ in range(3)]

        assert first == ["one", "two", "three"]
        assert not runner.status(handle).status.is_terminal
        runner.stop(handle, "the test is over")
        assert list(lines) == []

    def test_a_reader_that_follows_ends_with_the_job(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", replace(_THREE, waits=True)))
        next(runner.logs(handle))

        with ThreadPoolExecutor() as pool:
            reading = pool.submit(_texts, reopen(runner), handle)
            runner.stop(handle, "enough")

            # The job may have been stopped before it printed the others.
            assert reading.result(_LONG_S)[0] == "one"

    def test_a_reader_that_does_not_follow_returns_at_once(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", replace(_THREE, waits=True)))
        followed = runner.logs(handle)
        while next(followed).number < len(_THREE.lines):
            pass

        lines = list(runner.logs(handle, after=1, follow=False))

        assert [line.text for line in lines] == ["two", "three"]
        runner.stop(handle, "the test is over")

    def test_a_stopped_job_keeps_its_lines(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", replace(_THREE, waits=True)))
        followed = runner.logs(handle)
        while next(followed).number < len(_THREE.lines):
            pass

        runner.stop(handle, "enough")

        assert _texts(runner, handle) == ["one", "two", "three"]

    def test_a_job_without_output_has_no_lines(self, runner: JobRunner, spec_for: SpecFor) -> None:
        assert _texts(runner, runner.submit(spec_for("job-1", JobScript()))) == []

    def test_empty_lines_and_other_letters_are_kept(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        lines = ("", "  indented", "", 'Z\u00fcrich \U0001f600 "quoted" \\n', "tab\there", "")

        handle = runner.submit(spec_for("job-1", JobScript(lines=lines)))

        assert _texts(runner, handle) == list(lines)

    def test_only_a_newline_ends_a_line(self, runner: JobRunner, spec_for: SpecFor) -> None:
        lines = ("a\x0cb", "c\u2028d", "e\x85f", "g\x1eh", "i\x0bj")

        handle = runner.submit(spec_for("job-1", JobScript(lines=lines)))

        assert _texts(runner, handle) == list(lines)

    def test_nothing_in_a_line_is_expanded(self, runner: JobRunner, spec_for: SpecFor) -> None:
        lines = ("$HOME ${PATH} `id` $(id)", "%s %d \\n \\", "* ? [a] ~", "-n", "\"'\"'")

        handle = runner.submit(spec_for("job-1", JobScript(lines=lines)))

        assert _texts(runner, handle) == list(lines)

    def test_a_line_of_ten_thousand_letters_is_one_line(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        long = "x" * 10_000

        handle = runner.submit(spec_for("job-1", JobScript(lines=("one", long, "three"))))

        assert _texts(runner, handle) == ["one", long, "three"]

    def test_each_reader_sees_every_line(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        lines = [f"line {n}" for n in range(100)]
        handle = runner.submit(spec_for("job-1", JobScript(lines=tuple(lines))))

        with ThreadPoolExecutor() as pool:
            readers = [runner, runner, reopen(runner)]
            reads = list(pool.map(lambda reader: _texts(reader, handle), readers))

        assert reads == [lines] * 3

    def test_a_reader_that_gives_up_leaves_the_job_alone(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", replace(_THREE, waits=True)))

        first = next(iter(runner.logs(handle)))

        assert first.text == "one"
        assert not runner.status(handle).status.is_terminal
        runner.stop(handle, "the test is over")

    def test_a_last_line_without_its_newline_is_kept(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", JobScript(lines=("one",), unfinished="cut o")))

        assert _texts(runner, handle) == ["one", "cut o"]

    def test_standard_error_is_in_the_log(self, runner: JobRunner, spec_for: SpecFor) -> None:
        script = JobScript(lines=("out",), errors=("err",), exit_code=1)

        assert _texts(runner, runner.submit(spec_for("job-1", script))) == ["out", "err"]

    def test_no_line_of_a_long_log_is_lost(self, runner: JobRunner, spec_for: SpecFor) -> None:
        lines = tuple(f"line {n}" for n in range(_MANY))

        handle = runner.submit(spec_for("job-1", JobScript(lines=lines)))

        assert _texts(runner, handle) == list(lines)

    def test_secrets_in_the_log_are_masked(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", JobScript(lines=("-> fake-printed-value <-",))))
        register_secret("fake-printed-value")

        assert _texts(runner, handle) == ["-> *** <-"]

    def test_plain_variables_reach_the_job(self, runner: JobRunner, spec_for: SpecFor) -> None:
        spec = spec_for("job-1", JobScript(variables=("PAIR", "NOTE")))
        environment = {"PAIR": "BTC/USDT", "NOTE": "a  'note' \u00e9"}

        handle = runner.submit(replace(spec, environment=environment))

        assert _texts(runner, handle) == ["PAIR=BTC/USDT", "NOTE=a  'note' \u00e9"]

    def test_odd_variables_reach_the_job_as_they_are(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        environment = {"EMPTY": "", "EQUAL": "a=b=c", "DOLLAR": "$HOME `id`", "SPACES": "  x  "}
        spec = spec_for("job-1", JobScript(variables=tuple(environment)))

        handle = runner.submit(replace(spec, environment=environment))

        assert _texts(runner, handle) == [f"{name}={text}" for name, text in environment.items()]

    def test_the_trace_id_reaches_the_job(self, runner: JobRunner, spec_for: SpecFor) -> None:
        spec = spec_for("job-1", JobScript(variables=("TRADAI_RUN_TRACE_ID",)))

        handles = [
            runner.submit(spec),
            runner.submit(replace(spec, job_id="job-2", trace_id="trace-1")),
        ]

        assert [_texts(runner, handle) for handle in handles] == [
            ["TRADAI_RUN_TRACE_ID=job-1"],
            ["TRADAI_RUN_TRACE_ID=trace-1"],
        ]

    def test_secrets_reach_the_job_and_are_masked_in_its_log(
        self, runner: JobRunner, spec_for: SpecFor, secret: tuple[str, str]
    ) -> None:
        reference, value = secret
        spec = spec_for("job-1", JobScript(variables=("API_KEY", "OTHER")))

        handle = runner.submit(replace(spec, secrets={"API_KEY": SecretReference(reference)}))

        assert _texts(runner, handle) == ["API_KEY=***", "OTHER="]
        assert value not in f"{runner.status(handle)} {handle.to_json()}"

    def test_secrets_are_in_no_facts_of_a_job(
        self, runner: JobRunner, spec_for: SpecFor, secret: tuple[str, str]
    ) -> None:
        reference, value = secret
        spec = spec_for("job-1", JobScript(variables=("API_KEY",), exit_code=3))

        handle = runner.submit(replace(spec, secrets={"API_KEY": SecretReference(reference)}))

        assert value not in f"{runner.wait(handle)} {runner.status(handle)} {list(runner.jobs())}"

    def test_a_missing_secret_launches_nothing(self, runner: JobRunner, spec_for: SpecFor) -> None:
        spec = spec_for("job-1", JobScript())
        absent = SecretReference("env:NO_SUCH_VARIABLE_ANYWHERE")

        with pytest.raises(TradAIError):
            runner.submit(replace(spec, secrets={"API_KEY": absent}))

        assert list(runner.jobs()) == []


def _texts(runner: JobRunner, handle: JobHandle) -> list[str]:
    return [line.text for line in runner.logs(handle)]
