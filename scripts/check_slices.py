"""Prove that every distribution works when it is installed alone, as a service would install it.

Builds all wheels (through their sdists), checks their contents, then installs each one alone and
`tradai-common` with each of its extras, every time into a fresh virtual environment outside the
workspace. There each public name must be importable, and no sibling that was not requested may be.
Environments that follow one another have the same folder, so that compiled modules can be kept.
Third-party packages have the locked versions. Usage: check_slices.py [REQUIREMENT...], where
a requirement such as ``tradai-common[aws]`` limits the installations.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.parser import Parser
from pathlib import Path
from typing import Final

UV: Final = os.environ.get("UV", "uv")
# Never installed here: the engine is large, and the integration tests install it.
TOO_LARGE: Final = "freqtrade"
# Public modules that a requirement makes importable besides the package itself.
PUBLIC_WITH: Final = {
    "tradai-aws": ["tradai.aws.ecr"],
    "tradai-aws[docker]": ["tradai.aws.ecr"],
    "tradai-core[arcticdb]": ["tradai.core.arcticdb", "tradai.core.frames"],
    "tradai-core[frames]": ["tradai.core.frames"],
}
# Requirements that the lock file resolves separately, as they conflict (pandas 2 and 3).
LOCKED_APART: Final = {
    "tradai-core[arcticdb]": ["--package=tradai-core", "--extra=arcticdb", "--no-default-groups"]
}
# Distributions that an extra of tradai-common brings besides tradai-core.
BROUGHT_BY: Final = {
    "all": ["aws", "cache", "entrypoint", "mlflow"],
    "arrow": ["cache"],
    "aws": ["aws"],
    "cache": ["cache"],
    "docker": ["aws"],
    "entrypoint": ["entrypoint"],
    "hydra": ["entrypoint"],
    "postgres": ["entrypoint"],
    "mlflow": ["mlflow"],
    "speed": ["cache"],
}
SIBLING: Final = re.compile(r"(?P<name>tradai-[a-z]+)(?:\[[^]]*])?\s*(?P<bounds>[^;]*?)\s*(?:;.*)?")

PROBE: Final = """
import importlib, importlib.util, json, sys
modules, siblings = json.loads(sys.argv[1])
problems = []
for module in map(importlib.import_module, modules):
    for name in module.__all__:
        try:
            getattr(module, name)
        except (AttributeError, ImportError) as exc:
            problems.append([f"{module.__name__}.{name}", str(exc)])
importable = [name for name in siblings if importlib.util.find_spec(f"tradai.{name}")]
print(json.dumps([problems, importable]))
"""


def main(chosen: Sequence[str]) -> int:
    """Run the proof from the repository's root; return 1 when there is a problem."""
    versions = dict(_versions())
    with tempfile.TemporaryDirectory(prefix="tradai-slices-") as scratch:
        installer = Installer(Path(scratch), versions)
        problems = [
            text for wheel in installer.wheels() for text in wheel_problems(wheel, versions)
        ]
        requirements = chosen or requirements_of(installer.wheels())
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for requirement, reported in zip(
                requirements, pool.map(installer.problems_of, requirements), strict=True
            ):
                print(f"{'FAILED' if reported else 'ok':7} {requirement}")
                problems += [f"{requirement}: {problem}" for problem in reported]
    for problem in problems:
        print(f"slices: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _versions() -> Iterator[tuple[str, str]]:
    for file in sorted(Path("packages").glob("*/pyproject.toml")):
        project = tomllib.loads(file.read_text())["project"]
        yield project["name"], project["version"]


class CommandFailedError(Exception):
    """A program that must work failed; the message is its standard error."""


class Installer:
    """Installs wheels from a scratch folder, each into an environment of its own."""

    def __init__(self, folder: Path, versions: Mapping[str, str]) -> None:
        """Build all wheels in `folder`, and write the locked versions to it."""
        self._folder = folder
        self._names = tuple(versions)
        self._dist = folder / "dist"
        _uv("build", "--quiet", "--all-packages", "--out-dir", str(self._dist))
        self._locked = {name: self._lock(name) for name in ("", *LOCKED_APART)}

    def wheels(self) -> list[Path]:
        """Return the built wheels."""
        return sorted(self._dist.glob("*.whl"))

    def problems_of(self, requirement: str) -> list[str]:
        """Install `requirement` alone and return the problems of that environment."""
        try:
            python = self._install(requirement)
            return self._inspect(python, requirement)
        except CommandFailedError as exc:
            return [str(exc)]

    def _lock(self, requirement: str) -> Path:
        """Write the locked versions for `requirement`; empty means all that resolve together."""
        file = self._folder / f"locked-{re.sub(r'[^a-z]+', '-', requirement)}.txt"
        listed = ["--no-hashes", "--no-emit-workspace", "--no-annotate"]
        listed += LOCKED_APART.get(requirement, ["--all-packages"])
        _uv("export", "--quiet", "--frozen", *listed, "--output-file", str(file))
        return file

    def _inspect(self, python: Path, requirement: str) -> list[str]:
        requested = _slices_in(requirement)
        others = sorted({_module_name(name) for name in self._names} - requested - {"core"})
        packages = [f"tradai.{name}" for name in sorted(requested)]
        question = json.dumps([packages + PUBLIC_WITH.get(requirement, []), others])
        kept = {"PYTHONPYCACHEPREFIX": str(self._folder / "compiled")}
        answer = _run(str(python), "-P", "-c", PROBE, question, cwd=self._folder, extra=kept)
        broken, importable = json.loads(answer)
        return [f"tradai.{name} is importable, and must not be" for name in importable] + [
            f"{name} cannot be imported: {text}"
            for name, text in broken
            if not _names_missing_extra(text, others)
        ]

    def _install(self, requirement: str) -> Path:
        locked = self._locked[requirement if requirement in LOCKED_APART else ""]
        home = self._folder / f"{locked.stem}-{threading.get_ident()}"
        _uv("venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(home))
        target = ["--python", str(home)]
        # Without a refresh uv would use the wheel of an earlier build, as name and version match.
        fresh = [f"--refresh-package={name}" for name in self._names]
        sources = ["--find-links", str(self._dist), "--constraint", str(locked)]
        _uv("pip", "install", "--quiet", *target, *fresh, *sources, requirement)
        _uv("pip", "check", "--quiet", *target)
        return home / "bin" / "python"


def requirements_of(wheels: Sequence[Path]) -> list[str]:
    """Return the requirements to install: each distribution, and each extra but the engine."""
    requirements = []
    for wheel in wheels:
        metadata = Parser().parsestr(_read(wheel, "METADATA"))
        name = metadata["Name"]
        extras = metadata.get_all("Provides-Extra", [])
        requirements += [name, *(f"{name}[{extra}]" for extra in extras if extra != TOO_LARGE)]
    return requirements


def wheel_problems(wheel: Path, versions: Mapping[str, str]) -> list[str]:
    """Return the problems of the contents of `wheel`, given each distribution's version."""
    metadata = Parser().parsestr(_read(wheel, "METADATA"))
    name = metadata["Name"]
    home = f"tradai/{_module_name(name)}/"
    names = zipfile.ZipFile(wheel).namelist()
    wrong = [
        f"{file} does not belong to this distribution"
        for file in names
        if not (file.startswith(home) or file.endswith("/") or ".dist-info/" in file)
    ]
    wrong += [f"{home}py.typed is missing"] * (f"{home}py.typed" not in names)
    wrong += ["the license is missing"] * (not any(file.endswith("/LICENSE") for file in names))
    wrong += [
        problem
        for requirement in metadata.get_all("Requires-Dist", [])
        if (problem := _bounds_problem(requirement, owner=name, versions=versions))
    ]
    return [f"{name}: {problem}" for problem in wrong]


def _bounds_problem(requirement: str, *, owner: str, versions: Mapping[str, str]) -> str | None:
    match = SIBLING.fullmatch(requirement)
    if match is None or match["name"] == owner:
        return None
    major, minor, *_ = versions[match["name"]].split(".")
    expected = {f">={major}.{minor}", f"<{major}.{int(minor) + 1}"}
    if set(match["bounds"].replace(" ", "").split(",")) == expected:
        return None
    return f"requires {requirement!r}, expected bounds {','.join(sorted(expected, reverse=True))}"


def _slices_in(requirement: str) -> set[str]:
    name, _, extras = requirement.rstrip("]").partition("[")
    if name != "tradai-common":
        return {_module_name(name)}
    return {"common", *(one for extra in extras.split(",") for one in BROUGHT_BY.get(extra, ()))}


def _names_missing_extra(text: str, absent: Sequence[str]) -> bool:
    return any(f"pip install 'tradai-common[{name}]'" in text for name in absent)


def _module_name(distribution: str) -> str:
    return distribution.removeprefix("tradai-")


def _read(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        file = next(file for file in archive.namelist() if file.endswith(f".dist-info/{name}"))
        return archive.read(file).decode()


def _uv(*arguments: str) -> str:
    return _run(UV, *arguments)


def _run(*command: str, cwd: Path | None = None, extra: Mapping[str, str] | None = None) -> str:
    environ = {**os.environ, **(extra or {})}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=environ
    )
    if done.returncode:
        message = f"{' '.join(command[:3])} failed:\n{done.stderr.strip()}"
        raise CommandFailedError(message)
    return done.stdout


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CommandFailedError as error:
        sys.exit(f"slices: {error}")
