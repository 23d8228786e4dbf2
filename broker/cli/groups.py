"""Command groups whose first word may be left out."""

from typing import Any

from typer.core import TyperGroup

DEFAULT = "list"


class ListByDefault(TyperGroup):
    """`concordat tasks AGENCY` means `concordat tasks list AGENCY`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer keeps the types of its parser to itself
        """Take the first word as an argument of `list` where it names no command."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [DEFAULT, *args]
        return super().resolve_command(ctx, args)
