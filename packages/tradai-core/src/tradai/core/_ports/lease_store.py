"""Port of the places where leases are kept."""

from typing import Protocol

from tradai.core._ports.protocols import StoredObject


class LeaseStore(Protocol):
    """Place of one lease: a few bytes that are replaced by comparison only.

    Each store serves one lease and any number of processes. The rules of leases are in
    `tradai.core.Lease`; a store only has to keep the comparison atomic among all processes, and to
    end each call in a short time.
    """

    def read(self) -> StoredObject | None:
        """Return the bytes and their tag; None before the first write.

        Raises:
            ExternalServiceError: The store refused or did not answer.
        """
        ...

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write `data` where the bytes with the tag `expected` are, and return the new tag.

        Different bytes have different tags. A write whose answer was lost may have happened, or
        may happen later, as long as the comparison holds then.

        Args:
            data: The new bytes.
            expected: Tag of the bytes to replace; None to write only where there are none.

        Raises:
            ConflictError: The store has other bytes, or none. Of several callers, one wins.
            ExternalServiceError: The store refused or did not answer.
        """
        ...
