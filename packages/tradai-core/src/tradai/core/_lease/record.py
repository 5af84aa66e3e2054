"""Record of a lease: its holder, its fencing token and its time to live, as bytes in a store."""

from typing import Final, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError as InvalidModelError

from tradai.core._time.instants import Utc
from tradai.core.exceptions import StorageError

SHORTEST_S: Final = 0.1
LONGEST_S: Final = 86_400.0


@final
class LeaseRecord(BaseModel):
    """Facts about a lease that all processes share; its times of day are for people only.

    Attributes:
        format: Version of the format.
        holder: Name of the holder, for people.
        owner: Random id of the object that holds the lease: names of holders may repeat.
        token: Fencing token of this holding.
        ttl_s: Seconds after a write in which no other process takes the lease.
        write: Random id of the write, so that no two writes have the same bytes.
        acquired_at: Instant of acquisition, by the clock of the holder.
        renewed_at: Instant of the last renewal, by the clock of the holder.
        is_released: Whether the holder gave the lease back.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    holder: str
    owner: str
    token: int = Field(ge=1)
    ttl_s: float = Field(ge=SHORTEST_S, le=LONGEST_S)
    write: str
    acquired_at: Utc
    renewed_at: Utc
    is_released: bool = False

    @classmethod
    def from_bytes(cls, data: bytes, *, lease: str) -> Self:
        """Return the record that `to_bytes` returned as `data`.

        Raises:
            StorageError: `data` is not a record of this version. The lease counts as held: a record
                that cannot be read may be that of a living holder.
        """
        try:
            return cls.model_validate_json(data)
        except InvalidModelError as exc:
            message = (
                f"the lease {lease} cannot be read: expected a record of format 1; find out which "
                "program wrote it, and delete it when that program has ended"
            )
            raise StorageError(message, operation="read", service="lease") from exc

    def to_bytes(self) -> bytes:
        """Return the record as JSON."""
        return self.model_dump_json().encode()
