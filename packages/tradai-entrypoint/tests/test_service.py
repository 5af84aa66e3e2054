import os
import signal
import threading
from pathlib import Path

import pytest

from tradai.core import BaseSettings
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint import BaseService, Interrupts, ServiceState


class DemoSettings(BaseSettings):
    port: int = 8000


class DemoService(BaseService[DemoSettings]):
    settings_class = DemoSettings


def test_a_settings_class_that_is_none_of_ours_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(ConfigurationError, match=r"Broken\.settings_class"):

        class Broken(BaseService[DemoSettings]):
            settings_class = dict  # type: ignore[assignment]  # the mistake under test


def test_the_settings_class_can_be_the_type_argument() -> None:
    class Typed(BaseService[DemoSettings]):
        pass

    assert Typed.settings_class is DemoSettings


def test_overrides_lie_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("server: {host: localhost, port: 1}\nurl: http://${server.host}\n")

    service = DemoService(config=path, overrides=["server.port=8080"])

    assert service.config.server.port == 8080
    assert service.config.url == "http://localhost"


@pytest.mark.parametrize("text", ["a: {_target_: os.system}", "a: ${oc.env:HOME}"])
def test_configuration_that_could_run_code_or_read_the_environment_is_refused(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError):
        DemoService(config=path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.yaml"):
        DemoService(config=tmp_path / "absent.yaml")


def test_sigterm_stops_a_running_service_in_order() -> None:
    events: list[str] = []

    class Recording(BaseService[DemoSettings]):
        def start(self) -> None:
            events.append("start")
            threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()

        def stop(self) -> None:
            events.append("stop")

    service = Recording(interrupts=Interrupts())
    code = service.run()

    assert code == 0
    assert events == ["start", "stop"]
    assert service.state is ServiceState.STOPPED


def test_a_failing_start_still_stops() -> None:
    events: list[str] = []

    class Failing(BaseService[DemoSettings]):
        def start(self) -> None:
            raise RuntimeError("no port")

        def stop(self) -> None:
            events.append("stop")

    service = Failing()
    with pytest.raises(RuntimeError):
        service.run()

    assert events == ["stop"]
    assert service.state is ServiceState.FAILED
