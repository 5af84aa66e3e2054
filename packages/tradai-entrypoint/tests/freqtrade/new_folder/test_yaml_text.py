"""A configuration is written so that every YAML reader takes its values alike."""

import yaml

from tradai.core import JsonValue
from tradai.entrypoint.freqtrade._new_folder.yaml_text import yaml_text


def test_another_reader_takes_the_same_values() -> None:
    document: dict[str, JsonValue] = {
        "on": {"no": 1e-7, "2": -0.05, "two words": None},
        "list": [1, 1e22, "yes", {"a": {}}],
        "text": 'a "quoted": # text\n',
        "empty": {},
    }

    assert yaml.safe_load(yaml_text(document)) == document
