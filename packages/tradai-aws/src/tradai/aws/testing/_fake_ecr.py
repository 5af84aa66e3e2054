"""A fake of Amazon ECR: one repository's images, logins, immutable tags and lost answers."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from tradai.aws.testing._virtual_clock import VirtualClock

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from types_boto3_ecr import ECRClient

Answer: TypeAlias = dict[str, Any]

_REGION: Final = "eu-central-1"
_ACCOUNT: Final = "123456789012"
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
_TOKEN_LIFE_S: Final = 12 * 3600
_CLIENT_FAULT: Final = 400


@dataclass(kw_only=True)
class _Repository:
    is_immutable: bool
    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)


@final
class FakeEcr:
    """A fake of ECR behind a real client of boto3, which checks each request and answer.

    >>> ecr = FakeEcr()
    >>> ecr.create_repository("strategies")
    >>> digest = ecr.keep("strategies", "content-1", manifest="{}")
    >>> ids = [{"imageTag": "content-1"}]
    >>> answer = ecr.client.describe_images(repositoryName="strategies", imageIds=ids)
    >>> answer["imageDetails"][0]["imageDigest"] == digest
    True

    Attributes:
        clock: Clock by which tokens expire.
        client: boto3's client.
        calls: Operations so far, in order.
        refusals: Operation -> AWS's error code for it.
    """

    def __init__(self) -> None:
        """Hold no repository."""
        self.clock = VirtualClock()
        self.calls: list[str] = []
        self.refusals: dict[str, str] = {}
        self.client: ECRClient = self._client()
        self._repositories: dict[str, _Repository] = {}
        self._tokens = 0

    @property
    def host(self) -> str:
        """Host of the registry."""
        return f"{_ACCOUNT}.dkr.ecr.{_REGION}.amazonaws.com"

    def create_repository(self, name: str, *, is_immutable: bool = False) -> None:
        """Create an empty repository; `is_immutable` keeps its tags where they are."""
        self._repositories[name] = _Repository(is_immutable=is_immutable)

    def keep(self, name: str, tag: str, *, manifest: str) -> str:
        """Keep an image as a push does, and return its digest.

        Raises:
            ValueError: The tag belongs to an image, and tags are immutable.
        """
        repository = self._repositories[name]
        digest = f"sha256:{sha256(manifest.encode()).hexdigest()}"
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
        if repository.is_immutable and tag in repository.tags:
            message = (
                f"tag invalid: The image tag '{tag}' already exists in the '{name}' repository "
                "and cannot be overwritten because the repository is immutable."
            )
            raise ValueError(message)
        repository.tags[tag] = digest
        repository.manifests[digest] = manifest
        return digest

    def _client(self) -> "ECRClient":
        import boto3

        session = boto3.Session("fake", "fake", region_name=_REGION)
        client = session.client("ecr")
        # An answer takes the place of the network, which botocore's types do not say.
        answer: Any = self._answer
        client.meta.events.register("before-send.ecr", answer)
        return client

    def _answer(self, *, request: "AWSPreparedRequest", **_: object) -> "AWSResponse":
        """Answer a request in place of the network."""
        operation = str(_text(request.headers["X-Amz-Target"])).partition(".")[2]
        self.calls.append(operation)
        parameters = json.loads(_text(request.body) or "{}")
        refusal = self.refusals.get(operation)
        if refusal:
            return _response(_CLIENT_FAULT, {"__type": refusal, "message": "scripted"})
        return self._serve(operation, parameters)

    def _serve(self, operation: str, parameters: Mapping[str, Any]) -> "AWSResponse":
        serve: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
            "BatchGetImage": self._batch_get_image,
            "DescribeImages": self._describe_images,
            "GetAuthorizationToken": self._get_authorization_token,
        }
        try:
            return _response(200, serve[operation](parameters))
        except _RefusedError as exc:
            return _response(_CLIENT_FAULT, {"__type": exc.code, "message": "no such thing"})

    def _get_authorization_token(self, _: Mapping[str, Any]) -> Answer:
        self._tokens += 1
        token = base64.b64encode(f"AWS:fake-token-{self._tokens}".encode()).decode()
        data = {
            "authorizationToken": token,
            "expiresAt": self.clock.now_s + _TOKEN_LIFE_S,
            "proxyEndpoint": f"https://{self.host}",
        }
        return {"authorizationData": [data]}

    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
    def _describe_images(self, parameters: Mapping[str, Any]) -> Answer:
        repository = self._repository(parameters)
        details = []
        for wanted in parameters["imageIds"]:
            digest = repository.tags.get(wanted["imageTag"])
            if digest is None:
                raise _RefusedError("ImageNotFoundException")
            details.append({"imageDigest": digest, "imageTags": [wanted["imageTag"]]})
        return {"imageDetails": details}

    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
    def _batch_get_image(self, parameters: Mapping[str, Any]) -> Answer:
        repository = self._repository(parameters)
        digests = [repository.tags.get(wanted["imageTag"]) for wanted in parameters["imageIds"]]
        images = [
            {"imageId": {"imageDigest": digest}, "imageManifest": repository.manifests[digest]}
            for digest in digests
            if digest
        ]
        return {"images": images, "failures": []}

    def _repository(self, parameters: Mapping[str, Any]) -> _Repository:
        try:
            return self._repositories[parameters["repositoryName"]]
        except KeyError:
            raise _RefusedError("RepositoryNotFoundException") from None


class _RefusedError(Exception):
    """An error code of AWS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _text(data: object) -> str:
    return data.decode() if isinstance(data, bytes) else str(data or "")


@dataclass(frozen=True)
class _Body:
    """Body of an answer, as botocore reads it from the network."""

    data: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.data


def _response(status: int, answer: Answer) -> "AWSResponse":
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    # botocore's types ask for urllib3's own class, of which it uses this method.
    body: Any = _Body(json.dumps(answer).encode())
    return AWSResponse("https://ecr.scripted.invalid", status, HTTPHeaders(), body)
