"""Chromium as a child process without a window, spoken to over a pair of pipes."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from servers.process import ENVIRONMENTS, missing

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_AXE: Final = "lib/python3*/site-packages/axe_playwright_python/axe.min.js"
_OPTIONS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--remote-debugging-pipe"),
    # Otherwise its first window loads a page of its own, for a second or two.
    "about:blank",
)
_END: Final = b"\0"
_ANSWER_S: Final = 120.0
_PAUSE_S: Final = 0.02


class Browser:
    """One page of a running Chromium; its errors are kept."""

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._session = ""
        self._is_loaded = False
        self.errors: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, page: Path, *, width: int, is_dark: bool = False) -> None:
        """Open `page` in a window of `width`, and wait until it is loaded."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)
        self.choose_scheme(is_dark=is_dark)
        self._is_loaded = False
        self._call("Page.navigate", url=page.as_uri())
        while not self._is_loaded:
            self._note(self._read())

    def choose_scheme(self, *, is_dark: bool) -> None:
        """Show pages as a reader sees them who prefers dark ones, or light ones."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def inject(self, script: str) -> None:
        """Run `script` in each page that is opened from now on, before the page's own."""
        self._call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def hide_scrollbars(self) -> None:
        """Give the page the whole width, as a picture has it."""
        self._call("Emulation.setScrollbarsHidden", hidden=True)

    def lay_out(self) -> None:
        """Lay out the sections that are off the screen, too, and wait until it is done."""
        self.ask(
            "document.querySelectorAll('main > section')"
            ".forEach((e) => e.style.setProperty('content-visibility', 'visible'))"
        )
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def picture(self, top: float, width: int, height: float) -> bytes:
        """Return a PNG of the page, `height` pixels from `top` on."""
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        shot = self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of the promise that it is."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until `expression` is true."""
        deadline = time.monotonic() + _ANSWER_S
        while not self.ask(f"Boolean({expression})"):
            if time.monotonic() > deadline:
                message = f"the page never came to {expression}"
                raise TimeoutError(message)
            time.sleep(_PAUSE_S)

    def press(self, key: str) -> None:
        """Press and release a key, such as ``Tab`` or ``n``."""
        codes = {"Tab": 9, "Enter": 13, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}
        event: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, 0)}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self._call(
            "Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {})
        )
        self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + _END)
        self._commands.flush()
        while (answer := self._read()).get("id") != number:
            self._note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        message = bytearray()
        while (letter := self._answers.read(1)) != _END:
            if not letter:
                raise EOFError("Chromium ended")
            message += letter
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Page.loadEventFired":
                self._is_loaded = True
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(event["params"]["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if event["params"]["type"] == "error":
                self.errors.append(json.dumps(event["params"]["args"]))
            case "Log.entryAdded" if event["params"]["entry"]["level"] == "error":
                self.errors.append(event["params"]["entry"]["text"])


@contextlib.contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty `profile`; skip, or fail where ``chromium`` is required."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        missing("chromium", "no Chromium on PATH: install the package chromium")
    read_by_it, commands = os.pipe()
    answers, written_by_it = os.pipe()
    # It reads from the descriptor 3 and writes to 4, which only a shell puts there.
    script = f'exec "$@" 3<&{read_by_it} 4>&{written_by_it}'
    command = ["bash", "-c", script, "bash", program, *_OPTIONS, f"--user-data-dir={profile}"]
    with (
        os.fdopen(commands, "wb") as speaking,
        os.fdopen(answers, "rb") as listening,
        subprocess.Popen(
            command,
            pass_fds=(read_by_it, written_by_it),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        os.close(read_by_it)
        os.close(written_by_it)
        try:
            yield Browser(speaking, listening)
        finally:
            process.kill()


def axe_script() -> str:
    """Return the accessibility checker axe-core; skip, or fail where ``axe`` is required."""
    scripts = list((ENVIRONMENTS / "axe").glob(_AXE))
    if not scripts:
        missing("axe", "no axe-core in .servers/axe: run scripts/servers axe")
    return scripts[0].read_text(encoding="utf-8")
