"""Candles in ArcticDB; needs ``tradai-core[arcticdb]``, which needs pandas before 3.

ArcticDB is not open source: version 6 is under the Business Source License 1.1. It may be used in
production, but not to offer others a database service; each release becomes Apache 2.0 two years
after its date. Nothing of it is part of tradai, and nothing installs it unasked.
"""

from tradai.core.arcticdb._repository import ArcticDBDataRepository as ArcticDBDataRepository

__all__ = ["ArcticDBDataRepository"]
