"""When the circuit breaker opens.

Private, and tested as such: no server can be brought to these states in time.
"""

from tradai.cache._redis.circuit_breaker import CircuitBreaker


def test_the_third_failure_in_a_row_opens_the_breaker() -> None:
    opened: list[str] = []
    breaker = closed_breaker(opened)

    for reason in ("one", "two"):
        breaker.record_failure(reason, cycle=breaker.cycle, opens_at_once=False)
    breaker.record_success()
    for reason in ("three", "four"):
        breaker.record_failure(reason, cycle=breaker.cycle, opens_at_once=False)
    assert not breaker.is_open
    breaker.record_failure("five", cycle=breaker.cycle, opens_at_once=False)

    assert breaker.is_open
    assert opened == ["five"]


def test_a_final_failure_opens_the_breaker_at_once() -> None:
    opened: list[str] = []
    breaker = closed_breaker(opened)

    for reason in ("read-only", "still read-only"):
        breaker.record_failure(reason, cycle=breaker.cycle, opens_at_once=True)

    assert breaker.is_open
    assert opened == ["read-only"]
    assert breaker.reason == "still read-only"


def test_a_failure_from_before_a_recovery_does_not_count() -> None:
    opened: list[str] = []
    breaker = closed_breaker(opened)
    cycle = breaker.cycle

    breaker.open("gone")
    breaker.close()
    breaker.record_failure("late", cycle=cycle, opens_at_once=True)

    assert not breaker.is_open


def closed_breaker(opened: list[str]) -> CircuitBreaker:
    breaker = CircuitBreaker(opened.append)
    breaker.close()
    return breaker
