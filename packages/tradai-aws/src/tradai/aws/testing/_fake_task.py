"""One task of `FakeEcs`: its life on a virtual clock, and how DescribeTasks shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias, final

from tradai.aws.testing._virtual_clock import instant_of

_STOP_TIMEOUT_S: Final = 30
_SIGTERM_CODE: Final = 143
_SIGKILL_CODE: Final = 137
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
_STARTING: Final = ("PROVISIONING", "PENDING", "ACTIVATING")
_STOPPING: Final = ("DEACTIVATING", "STOPPING", "DEPROVISIONING")
_SPOT_REASON: Final = "Your Spot Task was interrupted."
_EXIT_REASON: Final = "Essential container in task exited"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScript:
    """The program in the container of a fake task.

    Attributes:
        lines: Lines that it prints as it starts.
        last_lines: Lines that it prints as it ends by itself or after SIGTERM.
        runs_s: Seconds that it runs.
        waits: Whether it runs until it is stopped instead.
        exit_code: Exit code, unless it is stopped.
        exit_code_when_stopped: Exit code after SIGTERM.
        is_deaf: Whether it ignores SIGTERM: it is killed after the container's ``stopTimeout``.
        start_failure: ``stoppedReason`` of a task that ECS cannot start, such as
            ``CannotPullContainerError: ...``; the program then never runs.
        interrupted_after_s: Seconds after which AWS takes back capacity of Spot; tasks on other
            capacity go on.
        on_end: Called with the task as its program ends.
    """

    lines: tuple[str, ...] = ()
    last_lines: tuple[str, ...] = ()
    runs_s: float = 4.0
    waits: bool = False
    exit_code: int = 0
    exit_code_when_stopped: int = _SIGTERM_CODE
    is_deaf: bool = False
    start_failure: str = ""
    interrupted_after_s: float | None = None
    on_end: "Callable[[FakeTask], None] | None" = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDelays:
    """Seconds that ECS takes for the steps around a program.

    Attributes:
        visible_after_s: Until DescribeTasks and ListTasks know a new task.
        containers_after_s: Until the task's list of containers is filled.
        start_s: Until the program starts.
        stop_s: From the program's end until the task is STOPPED.
        kept_s: For which a stopped task can be described.
    """

    visible_after_s: float = 1.0
    containers_after_s: float = 1.0
    start_s: float = 3.0
    stop_s: float = 2.0
    kept_s: float = 3600.0


Program: TypeAlias = "Callable[[FakeTask], TaskScript]"


@final
@dataclass(kw_only=True, eq=False)
class FakeTask:
    """A task that was accepted.

    Attributes:
        arn: Its ARN.
        request: Parameters of RunTask.
        definition: Its task definition, as RegisterTaskDefinition returned it.
        created_s: When it was accepted, on the clock.
        script: Its program; None before the program was started.
        started_s: When its program started; None if it did not.
        ended_s: When its program ended, or when starting it failed.
        exit_code: Exit code of the program.
        stop_code: ECS's code for the kind of stop.
        stopped_reason: ECS's sentence about it.
    """

    arn: str
    cluster_arn: str
    request: Mapping[str, Any]
    definition: Mapping[str, Any]
    created_s: float
    delays: TaskDelays
    program: Program = field(repr=False)
    printer: "Callable[[FakeTask, tuple[str, ...], float], None]" = field(repr=False)
    script: TaskScript | None = None
    started_s: float | None = None
    ended_s: float | None = None
    exit_code: int | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    _asked_s: float | None = None

    @property
    def is_spot(self) -> bool:
        """Whether it is on capacity that AWS may take back."""
        return "FARGATE_SPOT" in self._providers()

    @property
    def has_result(self) -> bool:
        """Whether its program ran to its own end."""
        return self.stop_code == "EssentialContainerExited"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of its container: those of the definition, then those of the overrides."""
        listed = [*self._container().get("environment", ()), *self._override("environment", ())]
        return {item["name"]: item["value"] for item in listed}

    @property
    def command(self) -> tuple[str, ...]:
        """Command of its container."""
        return tuple(self._override("command", self._container().get("command", ())))

    def settle(self, now_s: float) -> None:
        """Let everything happen to the task that is due at `now_s`."""
        if self.script is None and self.ended_s is None:
            self._start(now_s)
        if self.script is not None and self.ended_s is None:
            self._end(now_s)

    def ask_to_stop(self, now_s: float, code: str, reason: str) -> None:
        """Take a request to stop; a later one changes nothing."""
        if self._asked_s is None and self.ended_s is None:
            self._asked_s, self.stop_code, self.stopped_reason = now_s, code, reason

    def stopped_s(self) -> float | None:
        """Return when the task is, or will be, STOPPED; None while its program runs."""
        return None if self.ended_s is None else self.ended_s + self.delays.stop_s

    def is_described(self, now_s: float) -> bool:
        """Tell whether DescribeTasks knows the task."""
        stopped_s = self.stopped_s()
        is_gone = stopped_s is not None and now_s >= stopped_s + self.delays.kept_s
        return now_s >= self.created_s + self.delays.visible_after_s and not is_gone

    def desired_status(self) -> str:
        """Return the status that ECS moves the task to."""
        return "RUNNING" if self._asked_s is None and self.ended_s is None else "STOPPED"

    def last_status(self, now_s: float) -> str:
        """Return the status that the task has reached."""
        stopped_s = self.stopped_s()
        if self.ended_s is not None and stopped_s is not None:
            if now_s >= stopped_s:
                return "STOPPED"
            return _step(_STOPPING, now_s - self.ended_s, self.delays.stop_s)
        if self.started_s is not None:
            return "RUNNING"
        return _step(_STARTING, now_s - self.created_s, self.delays.start_s)

    def describe(self, now_s: float, *, with_tags: bool = False) -> dict[str, Any]:
        """Return the task as DescribeTasks does."""
        status = self.last_status(now_s)
        facts: dict[str, Any] = {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.definition["taskDefinitionArn"],
            "group": f"family:{self.definition['family']}",
            "startedBy": self.request.get("startedBy"),
            "lastStatus": status,
            "desiredStatus": self.desired_status(),
            "launchType": "FARGATE",
            "cpu": self.definition.get("cpu"),
            "memory": self.definition.get("memory"),
            "pullStartedAt": _instant(self._pulled_s()),
            "capacityProviderName": next(iter(self._providers()), None),
            "createdAt": _instant(self.created_s),
            "startedAt": _instant(self.started_s),
            "stoppingAt": _instant(self.ended_s if self._asked_s is None else self._asked_s),
            "executionStoppedAt": _instant(self.ended_s if self.started_s is not None else None),
            "stoppedAt": _instant(self.stopped_s()) if status == "STOPPED" else None,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
            "overrides": self.request.get("overrides", {}),
            "containers": self._containers(now_s, status),
            # A stopped task loses its tags.
            "tags": list(self.request.get("tags", ())) if with_tags and status != "STOPPED" else [],
        }
        return {name: value for name, value in facts.items() if value not in (None, "")}

    def _pulled_s(self) -> float | None:
        """Return when the pull of the image began: in the middle of the start."""
        is_pulled = self.started_s is not None or self.stop_code == "TaskFailedToStart"
        return self.created_s + self.delays.start_s / 2 if is_pulled else None

    def stream(self) -> tuple[str, str] | None:
        """Return the group and stream of CloudWatch that its lines go to.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
        """
        options = self._container().get("logConfiguration", {}).get("options", {})
        if "awslogs-group" not in options:
            return None
        task_id, name = self.arn.rpartition("/")[2], self._container()["name"]
        return options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{name}/{task_id}"

    def _start(self, now_s: float) -> None:
        due_s = self.created_s + self.delays.start_s
        if self._asked_s is not None and self._asked_s < due_s:
            self.ended_s = self._asked_s
        elif now_s >= due_s:
            self.script = self.program(self)
            if self.script.start_failure:
                self.ended_s, self.stop_code = due_s, "TaskFailedToStart"
                self.stopped_reason = self.script.start_failure
            else:
                self.started_s = due_s
                self.printer(self, self.script.lines, due_s)

    def _end(self, now_s: float) -> None:
        script, started_s = self.script, self.started_s
        if script is None or started_s is None:
            return
        after_s = script.interrupted_after_s
        if self.is_spot and after_s is not None and now_s >= started_s + after_s:
            self.ask_to_stop(started_s + after_s, "SpotInterruption", _SPOT_REASON)
        own_s = float("inf") if script.waits else started_s + script.runs_s
        asked_s = float("inf") if self._asked_s is None else self._asked_s
        deadline_s = asked_s + (self._stop_timeout_s() if script.is_deaf else 0)
        if now_s < min(own_s, deadline_s):
            return
        if own_s <= deadline_s:
            self.ended_s, self.exit_code = own_s, script.exit_code
            if self._asked_s is None:
                self.stop_code, self.stopped_reason = "EssentialContainerExited", _EXIT_REASON
        else:
            code = _SIGKILL_CODE if script.is_deaf else script.exit_code_when_stopped
            self.ended_s, self.exit_code = deadline_s, code
        if self.exit_code != _SIGKILL_CODE:
            self.printer(self, script.last_lines, self.ended_s)
        if script.on_end is not None:
            script.on_end(self)

    def _containers(self, now_s: float, status: str) -> list[dict[str, Any]]:
        if now_s < self.created_s + self.delays.containers_after_s:
            return []
        container = {
            "containerArn": f"{self.arn.replace(':task/', ':container/')}/main",
            "taskArn": self.arn,
            "name": self._container()["name"],
            "image": self._container()["image"],
            "lastStatus": "RUNNING" if status == "RUNNING" else "PENDING",
        }
        if self.ended_s is not None:
            container["lastStatus"] = "STOPPED"
            if self.exit_code is not None:
                container["exitCode"] = self.exit_code
        return [container]

    def _container(self) -> Mapping[str, Any]:
        container: Mapping[str, Any] = self.definition["containerDefinitions"][0]
        return container

    # A part of a request has the type that AWS defines.
    def _override(self, name: str, default: Any) -> Any:  # noqa: ANN401
        overrides = self.request.get("overrides", {}).get("containerOverrides", ())
        named = [one for one in overrides if one.get("name") == self._container()["name"]]
        return named[0].get(name, default) if named else default

    def _providers(self) -> list[str]:
        return [
            item["capacityProvider"] for item in self.request.get("capacityProviderStrategy", ())
        ]

    def _stop_timeout_s(self) -> float:
        return float(self._container().get("stopTimeout", _STOP_TIMEOUT_S))


def _step(names: tuple[str, ...], passed_s: float, whole_s: float) -> str:
    share = passed_s / whole_s if whole_s else 1.0
    return names[min(int(share * len(names)), len(names) - 1)]


def _instant(at_s: float | None) -> datetime | None:
    return None if at_s is None else instant_of(at_s)
