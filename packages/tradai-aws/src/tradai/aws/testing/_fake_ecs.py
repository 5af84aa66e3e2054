"""A fake of Amazon ECS on Fargate, with the traps of its API."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

from tradai.aws.testing._fake_definitions import FakeDefinitions, FakeMeta
from tradai.aws.testing._fake_logs import FakeLogs
from tradai.aws.testing._fake_run_task import ClientTokens, check_run
from tradai.aws.testing._fake_task import FakeTask, TaskDelays, TaskScript
from tradai.aws.testing._request_checks import check_request, client_error, connection_lost
from tradai.aws.testing._virtual_clock import VirtualClock

Response: TypeAlias = dict[str, Any]
# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

_MOST_DESCRIBED: Final = 100
_PAGE: Final = 100


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    operation: str
    error: Exception | None = None
    is_after: bool = False
    failure: str = ""
    is_spot: bool | None = None


@final
class FakeEcs:
    """Fake of boto3's client for ECS, with Fargate tasks that live on a virtual clock.

    Requests are checked against botocore's description of the API, and errors are those that
    boto3 raises. It was written from AWS's documentation and never compared with AWS itself:

    - A new task is MISSING in DescribeTasks for a moment, as the API is eventually consistent
      (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html), and its list
      of containers may be empty.
    - The same client token and request return the first task; the same token with another request
      is a ``ConflictException`` with the ARN in ``resourceIds``. A token is valid for 24 hours, and
      no longer than an hour after the task has stopped
      (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html).
    - ``startedBy`` must be the only filter of ListTasks, which lists running tasks unless it is
      asked for stopped ones
      (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html).
    - StopTask returns at once, and the program has its ``stopTimeout`` after SIGTERM
      (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html).
    - A stopped task can be described for about an hour, without its tags
      (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html).
    - RunTask may succeed and yet place nothing: the reason is in ``failures``
      (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html).
    - AWS may take back Spot capacity
      (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html).

    Attributes:
        clock: Clock to pass to the tested code.
        meta: Region and partition.
        delays: Seconds that ECS takes around a program.
        latency_s: Seconds that each call takes on `clock`.
        calls: Operation and parameters of each call, in order.
        tasks: Each task that was ever accepted, in order.
        on_call: Called with ``before`` or ``after`` and the operation; what it raises, the call
            raises. A test plants there the death of the calling process.
    """

    def __init__(
        self,
        program: Callable[[FakeTask], TaskScript] | None = None,
        *,
        logs: FakeLogs | None = None,
        cluster: str = "tradai",
    ) -> None:
        """Have one cluster.

        Args:
            program: Says what each task does; by default it ends after 4 seconds.
            logs: Gets the lines of the tasks; its clock is that of the tasks too.
            cluster: Name of the cluster.
        """
        self.clock = logs.clock if logs else VirtualClock()
        self._logs = logs
        if logs:
            logs.on_call = self.settle
        self.meta = FakeMeta()
        self.delays = TaskDelays()
        self.latency_s = 0.05
        self.calls: list[tuple[str, Response]] = []
        self.tasks: list[FakeTask] = []
        self.on_call: Callable[[str, str], None] = lambda *_: None
        self._cluster = cluster
        self._program = program or (lambda _: TaskScript())
        self._definitions = FakeDefinitions(cluster)
        self._faults: list[_Fault] = []
        self._refusal = ""
        self._tokens = ClientTokens()
        self._lock = threading.RLock()

    # Plans and views of tests.

    def fail(
        self, operation: str, reason: str, message: str = "scripted", *, times: int = 1
    ) -> None:
        """Refuse the next `times` calls of `operation`, such as ``RunTask``."""
        error = client_error(operation, reason, message)
        self._faults += [_Fault(operation=operation, error=error)] * times

    def lose_request(self, operation: str, *, times: int = 1) -> None:
        """Close the connection before the next `times` requests arrive."""
        self._faults += [_Fault(operation=operation, error=connection_lost())] * times

    def lose_reply(self, operation: str, *, times: int = 1) -> None:
        """Do what the next `times` requests ask for, and close the connection before the reply."""
        fault = _Fault(operation=operation, error=connection_lost(), is_after=True)
        self._faults += [fault] * times

    def refuse_placement(self, reason: str, *, times: int = 1, is_spot: bool | None = None) -> None:
        """Place nothing in the next `times` RunTasks; `is_spot` limits it to that capacity."""
        fault = _Fault(operation="RunTask", failure=reason, is_spot=is_spot)
        self._faults += [fault] * times

    def deregister_definitions(self) -> None:
        """Make all revisions of task definitions inactive, as another user may at any time."""
        self._definitions.deregister_all()

    def hide_tasks(self, *, times: int = 1) -> None:
        """Know no task in the next `times` DescribeTasks, as a replica that lags behind."""
        self._faults += [_Fault(operation="DescribeTasks", failure="MISSING")] * times

    def clear_faults(self) -> None:
        """Forget the failures that were planned and have not happened."""
        self._faults.clear()

    def settle(self) -> None:
        """Let everything happen that is due by now."""
        with self._lock:
            for task in self.tasks:
                task.settle(self.clock())

    def running(self) -> list[FakeTask]:
        """Return the tasks that have not ended by now."""
        self.settle()
        return [task for task in self.tasks if task.ended_s is None]

    # Methods of boto3's client.

    def run_task(self, **parameters: Parameter) -> Response:
        """Accept a task, or return that of the same token."""
        return self._call("RunTask", parameters, self._run)

    def describe_tasks(self, **parameters: Parameter) -> Response:
        """Describe up to 100 tasks."""
        return self._call("DescribeTasks", parameters, self._describe)

    def list_tasks(self, **parameters: Parameter) -> Response:
        """List the ARNs of tasks."""
        return self._call("ListTasks", parameters, self._list)

    def stop_task(self, **parameters: Parameter) -> Response:
        """Ask a task to stop, and return at once."""
        return self._call("StopTask", parameters, self._stop)

    def describe_clusters(self, **parameters: Parameter) -> Response:
        """Describe the cluster."""
        return self._call("DescribeClusters", parameters, self._definitions.describe_clusters)

    def register_task_definition(self, **parameters: Parameter) -> Response:
        """Register a revision, also when an equal one exists."""
        return self._call("RegisterTaskDefinition", parameters, self._definitions.register)

    def describe_task_definition(self, **parameters: Parameter) -> Response:
        """Describe a revision, or the newest of a family."""
        return self._call("DescribeTaskDefinition", parameters, self._definitions.describe)

    def list_task_definitions(self, **parameters: Parameter) -> Response:
        """List the ARNs of the revisions."""
        return self._call("ListTaskDefinitions", parameters, self._definitions.list)

    def _call(
        self, operation: str, parameters: Response, answer: Callable[[Mapping[str, Any]], Response]
    ) -> Response:
        check_request("ecs", operation, parameters)
        self.on_call("before", operation)
        self.clock.advance(self.latency_s)
        with self._lock:
            self.calls.append((operation, parameters))
            self._check_cluster(operation, parameters)
            fault = self._next_fault(operation, parameters)
            if fault and fault.error and not fault.is_after:
                raise fault.error
            self.settle()
            self._refusal = fault.failure if fault else ""
            response = answer(parameters)
        if fault and fault.error:
            raise fault.error
        self.on_call("after", operation)
        return response

    def _next_fault(self, operation: str, parameters: Mapping[str, Any]) -> _Fault | None:
        is_spot = "FARGATE_SPOT" in json.dumps(parameters.get("capacityProviderStrategy", ()))
        for fault in self._faults:
            if fault.operation == operation and fault.is_spot in {None, is_spot}:
                self._faults.remove(fault)
                return fault
        return None

    def _check_cluster(self, operation: str, parameters: Mapping[str, Any]) -> None:
        name = parameters.get("cluster", self._cluster)
        if "cluster" in parameters and name.rpartition("/")[2] != self._cluster:
            raise client_error(operation, "ClusterNotFoundException", "Cluster not found.")

    def _run(self, parameters: Mapping[str, Any]) -> Response:
        check_run(parameters)
        task = self._tokens.known(parameters, self.clock())
        if task is None and self._refusal:
            return {"tasks": [], "failures": [{"reason": self._refusal}]}
        if task is None:
            task = self._accept(parameters)
            self._tokens.remember(parameters, task)
        return {"tasks": [task.describe(self.clock())], "failures": []}

    def _accept(self, parameters: Mapping[str, Any]) -> FakeTask:
        definition = self._definitions.find(parameters["taskDefinition"], "RunTask")
        number = len(self.tasks) + 1
        task = FakeTask(
            arn=f"{self._definitions.arn_prefix}:task/{self._cluster}/{number:032x}",
            cluster_arn=f"{self._definitions.arn_prefix}:cluster/{self._cluster}",
            request=parameters,
            definition=definition,
            created_s=self.clock(),
            delays=self.delays,
            program=self._program,
            printer=self._print,
        )
        self.tasks.append(task)
        return task

    def _print(self, task: FakeTask, lines: tuple[str, ...], at_s: float) -> None:
        place = task.stream()
        if self._logs and lines and place:
            self._logs.drive(*place, [(at_s, line) for line in lines])

    def _describe(self, parameters: Mapping[str, Any]) -> Response:
        asked = parameters["tasks"]
        if not 1 <= len(asked) <= _MOST_DESCRIBED:
            message = "Tasks must have between 1 and 100 entries."
            raise client_error("DescribeTasks", "InvalidParameterException", message)
        found = [None if self._refusal else self._find(name) for name in asked]
        with_tags = "TAGS" in parameters.get("include", ())
        return {
            "tasks": [one.describe(self.clock(), with_tags=with_tags) for one in found if one],
            "failures": [
                {"arn": name, "reason": "MISSING"}
                for name, task in zip(asked, found, strict=True)
                if task is None
            ],
        }

    def _find(self, name: str) -> FakeTask | None:
        named = [task for task in self.tasks if name in {task.arn, task.arn.rpartition("/")[2]}]
        return next((task for task in named if task.is_described(self.clock())), None)

    def _list(self, parameters: Mapping[str, Any]) -> Response:
        filters = {"startedBy", "family", "desiredStatus", "launchType"} & parameters.keys()
        if "startedBy" in filters and len(filters) > 1:
            message = "startedBy must be the only filter."
            raise client_error("ListTasks", "InvalidParameterException", message)
        wanted = parameters.get("desiredStatus", "RUNNING")
        arns = [
            task.arn
            for task in self.tasks
            if task.is_described(self.clock())
            and task.desired_status() == wanted
            and parameters.get("startedBy") in {None, task.request.get("startedBy")}
            and parameters.get("family") in {None, task.definition["family"]}
        ]
        first = int(parameters.get("nextToken", 0))
        more = {"nextToken": str(first + _PAGE)} if len(arns) > first + _PAGE else {}
        return {"taskArns": arns[first : first + _PAGE], **more}

    def _stop(self, parameters: Mapping[str, Any]) -> Response:
        task = self._find(parameters["task"])
        if task is None:
            message = "The referenced task was not found."
            raise client_error("StopTask", "InvalidParameterException", message)
        reason = parameters.get("reason", "Task stopped by user")
        task.ask_to_stop(self.clock(), "UserInitiated", reason)
        return {"task": task.describe(self.clock())}
