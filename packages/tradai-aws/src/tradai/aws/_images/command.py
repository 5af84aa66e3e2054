"""Command `tradai-entrypoint image`: build and push container images."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tradai.aws._images.builder import ImageBuilder
from tradai.aws._images.daemon import Daemon, DockerSettings
from tradai.aws._images.repository import EcrRepository
from tradai.aws._images.source import ImageSource
from tradai.core import JobPlatform
from tradai.core.exceptions import ValidationError

STRATEGY_DOCKERFILE: Final = Path(__file__).with_name("strategy.Dockerfile")


def image_command(argv: Sequence[str]) -> int:
    """Run the command with the arguments `argv`, and return its exit code.

    Raises:
        SystemExit: The arguments are wrong, or ask for help.
        TradAIError: The image cannot be built or pushed.
    """
    arguments = _parser().parse_args(argv)
    source = ImageSource(
        context=arguments.context,
        base=arguments.base,
        dockerfile=arguments.file,
        arguments=dict(map(_pair, arguments.arg)),
        platform=JobPlatform(arguments.platform),
    )
    facts = _push(arguments, source) if arguments.verb == "push" else _build(arguments, source)
    if arguments.json:
        sys.stdout.write(json.dumps(facts) + "\n")
    else:
        sys.stdout.write(f"{facts['reference']}\n")
    return 0


def _build(arguments: argparse.Namespace, source: ImageSource) -> dict[str, object]:
    builder = ImageBuilder(Daemon(DockerSettings().host), network=arguments.network)
    tag, was_built = builder.build(source, arguments.name, show=_show)
    return {
        "reference": f"{arguments.name}:{tag}",
        "tag": tag,
        "platform": source.platform,
        "was_built": was_built,
    }


def _push(arguments: argparse.Namespace, source: ImageSource) -> dict[str, object]:
    repository = EcrRepository(arguments.repository, network=arguments.network)
    image = repository.publish(source, show=_show)
    return {
        "reference": image.reference,
        "tag": image.tag,
        "platform": image.platform,
        "was_built": image.was_built,
        "digest": image.digest,
        "was_pushed": image.was_pushed,
    }


def _show(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not is_pair:
        expected = "NAME=VALUE"
        message = f"--arg {name} is not usable: expected {expected}"
        raise ValidationError(message, field="arg", expected=expected)
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tradai-entrypoint image",
        description="Build and push container images. An image is named by its content: what is "
        "there already is neither built nor pushed.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)
    build = verbs.add_parser("build", help="build an image with the Docker daemon")
    build.add_argument(
        "--name", metavar="NAME", default="tradai/strategy", help="name of the image, without tag"
    )
    push = verbs.add_parser("push", help="build an image and push it to Amazon ECR")
    push.add_argument("--repository", metavar="NAME", required=True, help="repository in ECR")
    for verb in (build, push):
        _add_source(verb)
        verb.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("context", metavar="FOLDER", type=Path, help="context of the build")
    parser.add_argument(
        "--base", metavar="IMAGE", required=True, help="base image, as NAME@sha256:DIGEST"
    )
    parser.add_argument(
        "--file",
        metavar="FILE",
        type=Path,
        default=STRATEGY_DOCKERFILE,
        help="Dockerfile (default: that of strategy containers)",
    )
    parser.add_argument(
        "--arg", metavar="NAME=VALUE", action="append", default=[], help="argument of the build"
    )
    parser.add_argument(
        "--platform",
        choices=[platform.value for platform in JobPlatform],
        default=JobPlatform.LINUX_AMD64.value,
        help="system and processor (default: linux/amd64)",
    )
    parser.add_argument("--network", metavar="NAME", help="network of the build, such as none")
