"""A supervisor that does one thing: keep a lease, and feed the watchdog of an engine.

Run it as ``python -m engine.lease_feeder`` in the folder of the integration tests, with the facts
as JSON on standard input. It prints a line when it has begun.
"""

import json
import sys
import time
from pathlib import Path

from tradai.core import Secret

# Not through the door: no command trades live yet.
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live.lease_keeper import LeaseKeeper
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint._live.watchdog import EntryAccount, Watchdog, WatchdogTimes


def main() -> None:
    """Feed until killed."""
    facts = json.load(sys.stdin)
    leases = HeldLeases.of(facts["leases"], holder="the feeder", ttl_s=facts["ttl_s"])
    leases.acquire(wait_s=0)
    keys = ApiKeys(key=Secret(facts["key"]), secret=Secret(facts["secret"]))
    account = EntryAccount(
        exchange="binance", base_url=facts["url"], keys=keys, prefix=facts["prefix"]
    )
    times = WatchdogTimes(settle_s=facts["settle_s"])
    log = Path(facts["log"])
    with Watchdog.start(facts["engine"], account=account, log=log, times=times) as watchdog:
        keeper = LeaseKeeper(leases, watchdog, drain_s=facts["drain_s"])
        print("fed", flush=True)
        while True:
            keeper.keep()
            time.sleep(min(0.1, keeper.due_in_s))


if __name__ == "__main__":
    main()
