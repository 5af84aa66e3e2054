"""Leases in files, of real processes."""

from pathlib import Path

import pytest
from lease_race import check_holdings, race


@pytest.mark.parametrize("rounds", [2, pytest.param(30, marks=pytest.mark.deep)])
def test_four_processes_never_hold_the_lease_of_a_file_at_once(rounds: int, tmp_path: Path) -> None:
    holdings = race(str(tmp_path / "leases" / "one"), tmp_path, ttl_s=0.8, rounds=rounds)

    check_holdings(holdings, rounds=rounds)
