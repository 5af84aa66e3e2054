"""Sign the parameters of a request with the secret of an API key."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tradai.core import Secret


def signed_query(parameters: Mapping[str, str], secret: Secret[str]) -> str:
    """Return `parameters` as a query string that ends with its own signature.

    The exchange computes the signature over the text as it comes, so the text is encoded first.
    """
    payload = urlencode(parameters, quote_via=quote)
    signature = hmac.new(secret.reveal().encode(), payload.encode(), hashlib.sha256).hexdigest()
    return f"{payload}&signature={signature}"
