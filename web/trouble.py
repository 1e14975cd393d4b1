"""What stands in the way of whoever runs this program."""


class Trouble(Exception):
    """Something that the person at the command line must know and can act on: one sentence, no traceback."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
