"""A deadline for a check, whatever it waits for."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, check: Callable[[], T]) -> T:
    """Return the value of ``check``, or raise what it raises.

    A resolver may hang, and nothing can interrupt it. So the check runs in a thread that the process does not wait for.

    Raises:
        TimeoutError: it has not ended after ``seconds``.
    """
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(check())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asks
            errors.append(error)

    thread = threading.Thread(target=run, name="check", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not values:
        raise TimeoutError(f"no result within {seconds:g} s")
    return values[0]
