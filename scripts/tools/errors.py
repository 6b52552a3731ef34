"""The errors of setting up: what was being done, what came, what to try."""


class SetupError(Exception):
    """Say that something the project needs could not be made.

    Args:
        what: one sentence: what was expected and what came instead.
        tail: the last lines that the failing command printed.
        advice: what to try next.
        log: file with the whole output, as text.
    """

    def __init__(self, what: str, *, tail: tuple[str, ...] = (), advice: str = "", log: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.tail = tail
        self.advice = advice
        self.log = log

    def __str__(self) -> str:
        lines = [self.what]
        if self.tail:
            lines += ["  last lines:", *(f"    {line}" for line in self.tail)]
        if self.log:
            lines.append(f"  whole output: {self.log}")
        if self.advice:
            lines.append(f"  what to try: {self.advice}")
        return "\n".join(lines)


class UnavailableError(SetupError):
    """Say that this machine cannot have the wanted thing at all (wrong system, no rights): a skip outside CI."""
