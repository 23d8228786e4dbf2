"""The program `concordat`: gathers the commands."""

import click
import typer

from broker.cli import agency, broker, demo, log, narrowing, protocol, quarantine, tasks
from broker.cli.groups import ListByDefault

app = typer.Typer(
    name="concordat",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Information-sharing broker of a local safeguarding partnership: agencies publish what "
        "they know about a child at risk, the signed protocol decides who may see which part of it, and "
        "every decision stands in a log that outsiders can check."
    ),
)

app.command("demo")(demo.demo)
app.command("init")(broker.init)
app.command("publish")(agency.publish)
app.command("route")(broker.route)
app.command("inbox")(agency.inbox)
app.command("ack")(agency.ack)
app.command("action")(agency.action)
app.command("narrow")(narrowing.narrow)
app.command("explain")(protocol.explain)
app.command("may-i-share")(protocol.may_i_share)
app.command("doctor")(broker.doctor)

_tasks = typer.Typer(cls=ListByDefault, help="What an agency's people must do, and by when.")
_tasks.command("list")(tasks.list_tasks)
_tasks.command("answer")(tasks.answer)
app.add_typer(_tasks, name="tasks")

_quarantine = typer.Typer(
    no_args_is_help=True, help="Messages of an agency that were not accepted."
)
_quarantine.command("list")(quarantine.list_quarantine)
_quarantine.command("show")(quarantine.show)
_quarantine.command("retry")(quarantine.retry)
app.add_typer(_quarantine, name="quarantine")

_log = typer.Typer(no_args_is_help=True, help="The access log: search it, verify it.")
_log.command("search")(log.search)
_log.command("verify")(log.verify)
app.add_typer(_log, name="log")


def main() -> None:
    """Run the command line."""
    try:
        app(standalone_mode=True)
    except click.exceptions.Abort:
        raise SystemExit(130) from None
