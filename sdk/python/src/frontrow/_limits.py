"""The numbers that a caller gives."""

#: Timers of some systems have 32 bits for the milliseconds. A longer one ends at once or fails.
LONGEST_SECONDS = (2**31 - 1) / 1_000


def check_positive(name: str, value: object) -> None:
    """Raises ValueError unless a value is a number above 0. Programs without types may pass anything."""
    if not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{name} must be a positive number: {value!r}")
