"""The program `concordat`: gathers the commands."""

import logging

import typer

from broker.cli import emergency, protocol_impact, protocol_review, run, scenario
from broker.cli.adapter import adapter
from broker.cli.agency import ack, action, inbox
from broker.cli.broker import doctor, init, route
from broker.cli.demo import demo
from broker.cli.duties import duties, respond
from broker.cli.evidence import evidence, verify_file
from broker.cli.formats import formats
from broker.cli.groups import ListByDefault
from broker.cli.incidents import close_incident, list_incidents
from broker.cli.log import verify
from broker.cli.log_ask import ask
from broker.cli.log_rerun import rerun
from broker.cli.log_search import search
from broker.cli.narrowing import narrow
from broker.cli.protocol import adopt, draft, explain, may_i_share
from broker.cli.publish import publish
from broker.cli.quality import quality
from broker.cli.quarantine import list_quarantine, retry, show
from broker.cli.tasks import answer, list_tasks
from broker.cli.withdrawing import correct, retract, retractions, unfile
from broker.cli.witness import witness, witnesses

app = typer.Typer(
    name="concordat",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Information-sharing broker of a local safeguarding partnership: agencies publish what "
        "they know about a child at risk, the signed protocol decides who may see which part of "
        "it, and every decision stands in a log that outsiders can check."
    ),
)

app.command("demo")(demo)
app.command("init")(init)
app.command("publish")(publish)
app.command("formats")(formats)
app.command("quality")(quality)
app.command("adapter")(adapter)
app.command("route")(route)
app.command("inbox")(inbox)
app.command("ack")(ack)
app.command("action")(action)
app.command("duties")(duties)
app.command("respond")(respond)
app.command("retract")(retract)
app.command("correct")(correct)
app.command("unfile")(unfile)
app.command("retractions")(retractions)
app.command("narrow")(narrow)
app.command("explain")(explain)
app.command("may-i-share")(may_i_share)
app.command("doctor")(doctor)

_run = typer.Typer(no_args_is_help=True, help="Parts of an installation that run day and night.")
_run.command("router")(run.router)
_run.command("log")(run.log)
_run.command("agency")(run.agency)
_run.command("bundle")(run.bundle)
_run.command("alive")(run.alive)
app.add_typer(_run, name="run")

_tasks = typer.Typer(cls=ListByDefault, help="What an agency's people must do, and by when.")
_tasks.command("list")(list_tasks)
_tasks.command("answer")(answer)
app.add_typer(_tasks, name="tasks")

_incidents = typer.Typer(
    cls=ListByDefault, help="Personal data breaches: 72 hours to decide who must be told."
)
_incidents.command("list")(list_incidents)
_incidents.command("close")(close_incident)
app.add_typer(_incidents, name="incidents")

_quarantine = typer.Typer(
    no_args_is_help=True, help="Messages of an agency that were not accepted."
)
_quarantine.command("list")(list_quarantine)
_quarantine.command("show")(show)
_quarantine.command("retry")(retry)
app.add_typer(_quarantine, name="quarantine")

_glass = typer.Typer(
    no_args_is_help=True,
    help="When a child is in danger and the broker does not answer: one record, one desk, 72 h.",
)
_glass.command("send")(emergency.send)
_glass.command("take")(emergency.take)
_glass.command("list")(emergency.list_broken)
_glass.command("review")(emergency.review)
_glass.command("card")(emergency.card)
app.add_typer(_glass, name="break-glass")

_scenario = typer.Typer(
    no_args_is_help=True, help="Small stories that try a protocol before it is signed."
)
_scenario.command("run")(scenario.run)
_scenario.command("list")(scenario.list_them)
_scenario.command("doc")(scenario.doc)
app.add_typer(_scenario, name="scenario")

_protocol = typer.Typer(
    no_args_is_help=True, help="The protocol: draft it, check it, compare it, put it in force."
)
_protocol.command("check")(protocol_review.check)
_protocol.command("diff")(protocol_review.diff)
_protocol.command("impact")(protocol_impact.impact)
_protocol.command("adopt")(adopt)
_protocol.command("draft")(draft)
app.add_typer(_protocol, name="protocol")

_log = typer.Typer(
    no_args_is_help=True, help="The access log: search it, verify it, give evidence from it."
)
_log.command("search")(search)
_log.command("ask")(ask)
_log.command("rerun")(rerun)
_log.command("verify")(verify)
_log.command("witness")(witness)
_log.command("witnesses")(witnesses)
_log.command("evidence")(evidence)
_log.command("verify-evidence")(verify_file)
app.add_typer(_log, name="log")


def main() -> None:
    """Run the command line."""
    # What a client cannot mend is an error of ours; what it mends is nothing to be told.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()
