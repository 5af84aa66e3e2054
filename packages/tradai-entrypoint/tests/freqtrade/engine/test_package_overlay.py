"""Python imports an overlaid package, and finds another file beside its code."""

import os
import subprocess
import sys
from pathlib import Path

from tradai.entrypoint.freqtrade._engine.package_overlay import overlay_package

READER = "from pathlib import Path\ntext = (Path(__file__).parent / 'data.json').read_text()\n"
PROGRAM = "import sample.other, sample.inner.reader as r; print(r.text, sample.other.name)"


def test_one_file_is_replaced_and_the_installed_package_stays(tmp_path: Path) -> None:
    package = tmp_path / "installed" / "sample"
    (package / "inner").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "other.py": "name = 'other'",
        "inner/__init__.py": "",
        "inner/reader.py": READER,
        "inner/data.json": "own",
    }.items():
        (package / name).write_text(text)
    root = tmp_path / "laid out"

    overlay_package(package, "inner/data.json", b"mine", root=root)

    paths = [str(root), str(package.parent)]
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "mine other\n"
    assert (package / "inner" / "data.json").read_text() == "own"
