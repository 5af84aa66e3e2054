"""A loopback server that gives the engine, and it alone, the market rules of a snapshot."""

import hmac
import json
import secrets
from http import HTTPStatus
from types import TracebackType
from typing import Self, final

from tradai.core import register_secret
from tradai.entrypoint._process.loopback_http import LoopbackServer, Response
from tradai.entrypoint.freqtrade._exchange._recorded.answers import RecordedAnswers
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named


@final
class MarketServer:
    """Serves one snapshot on 127.0.0.1 inside a ``with`` block; without prices and orders.

    Its address has a token that only this process and the engine have: another program on this
    machine is answered as if nothing were there, and cannot hold up the engine's requests.
    """

    def __init__(self, snapshot: MarketsSnapshot, *, deadline_s: float = 30.0) -> None:
        """Take the snapshot; nothing listens yet.

        Args:
            snapshot: The market rules.
            deadline_s: Seconds after which a connection is closed. The engine sends its request at
                once, but the machine may be busy.
        """
        self._exchange = exchange_named(snapshot.exchange)
        self._recorded = RecordedAnswers(snapshot.answers) if snapshot.answers else None
        self._answers = (
            {} if self._recorded else self._exchange.rest_answers(snapshot.exchange_info)
        )
        self._requests = 0
        self._unanswered: list[str] = []
        self._token = secrets.token_urlsafe(24)
        register_secret(self._token)
        self._server = LoopbackServer(
            self._respond,
            respond_to_post=self._respond if self._recorded else None,
            deadline_s=deadline_s,
            name="market-server",
        )

    @property
    def base_url(self) -> str:
        """Its address, such as ``http://127.0.0.1:34567/TOKEN``."""
        return f"http://127.0.0.1:{self._server.port}/{self._token}"

    @property
    def requests(self) -> int:
        """Number of requests for the market rules."""
        return self._requests

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Addresses of the exchange that the engine asked for, and that were not recorded."""
        return tuple(self._unanswered)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.__exit__(kind, error, trace)

    def _respond(self, target: str, body: bytes = b"") -> Response:
        token, _, rest = target.removeprefix("/").partition("/")
        is_ours = hmac.compare_digest(token.encode(), self._token.encode())
        answer = self._find(rest, body) if is_ours else None
        if answer is not None:
            return HTTPStatus.OK, answer
        path = f"/{rest}".partition("?")[0]
        message = f"{path if is_ours else target} is not served here: only market rules are"
        return HTTPStatus.NOT_FOUND, json.dumps(self._exchange.rest_error(message)).encode()

    def _find(self, rest: str, body: bytes) -> bytes | None:
        """Return the answer at the address `rest` within the server; None when it has none."""
        if self._recorded is not None:
            recorded = self._recorded.find(rest, body.decode(errors="replace"))
            if recorded is None:
                self._unanswered.append(rest)
                return None
            self._requests += 1
            return recorded.text.encode()
        path = f"/{rest}".partition("?")[0]
        self._requests += path == self._exchange.rules_path
        return json.dumps(self._answers[path]()).encode() if path in self._answers else None
