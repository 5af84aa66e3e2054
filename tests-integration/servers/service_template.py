"""The service of `docs/examples/ecs/live-service.yaml`, as the API of ECS takes it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

TEMPLATE: Final = (
    Path(__file__).resolve().parents[2] / "docs" / "examples" / "ecs" / "live-service.yaml"
)
# Their keys are names of their own.
_PLAIN: Final = frozenset({"Options"})


def read_template(values: Mapping[str, object]) -> dict[str, Any]:
    """Return the template with `values` for its parameters and AWS's pseudo parameters."""

    class Loader(yaml.SafeLoader):
        """Evaluates the functions that the template uses."""

    def function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> object:
        if isinstance(node, yaml.ScalarNode):
            text = str(loader.construct_scalar(node))
            if name in {"Ref", "GetAtt"}:
                return values.get(text, text)
            return re.sub(r"\$\{([^}]+)\}", lambda match: str(values[match[1]]), text)
        assert isinstance(node, yaml.SequenceNode)
        first, second = loader.construct_sequence(node, deep=True)
        return second.split(first) if name == "Split" else second[first]

    Loader.add_multi_constructor("!", function)
    # A loader that makes plain values only (S506).
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader)  # noqa: S506
    return loaded


def request_of(properties: Any) -> Any:
    """Return properties of CloudFormation with the keys of the API."""
    if isinstance(properties, Mapping):
        return {
            f"{key[0].lower()}{key[1:]}": dict(value) if key in _PLAIN else request_of(value)
            for key, value in properties.items()
        }
    if isinstance(properties, Sequence) and not isinstance(properties, str):
        return [request_of(each) for each in properties]
    return properties


def with_changes(
    definition: dict[str, Any],
    *,
    variables: Mapping[str, str],
    without: Sequence[str],
    mounts: Mapping[Path, str],
) -> dict[str, Any]:
    """Return a task definition with further variables and folders of this machine."""
    (container,) = definition["containerDefinitions"]
    kept = {row["name"]: str(row["value"]) for row in container["environment"]}
    merged = {name: text for name, text in kept.items() if name not in without} | dict(variables)
    names = {folder: f"machine-{number}" for number, folder in enumerate(mounts)}
    return definition | {
        "volumes": [
            *definition["volumes"],
            *({"name": names[each], "host": {"sourcePath": str(each)}} for each in mounts),
        ],
        "containerDefinitions": [
            container
            | {
                "environment": [{"name": name, "value": text} for name, text in merged.items()],
                "mountPoints": [
                    *container["mountPoints"],
                    *(
                        {"sourceVolume": names[each], "containerPath": place}
                        for each, place in mounts.items()
                    ),
                ],
            }
        ],
    }
