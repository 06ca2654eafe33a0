"""`knead report`: a page to read, to print, to hand to a physiotherapist."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from companion.cli.failures import say, software_version
from companion.cli.log import opened_log
from companion.cli.options import setting, settings

if TYPE_CHECKING:
    from sessions.paper import Paper

KINDS = (".html", ".htm", ".pdf")


@click.command(help="One page of SESSION (default: last) or, with --week, of seven days: .html or, for paper, .pdf.")
@click.argument("session", required=False)
@click.option("--week", is_flag=True, help="Seven days instead of a session.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the week. Default: today.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The file: .html or .pdf.")
@click.option("--name", default="", metavar="NAME", help="Whose page it is. Default: nobody is named.")
@click.option(
    "--paper", "sheet", type=click.Choice(["a4", "letter"]), default="a4", show_default=True, help="Of a PDF."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@setting("person")
def report(
    session: str | None,
    week: bool,
    until: "date | None",
    output: Path,
    name: str,
    sheet: str,
    force: bool,
    person: str | None,
) -> None:
    from sessions.files import new_file, refuse_existing

    kind = output.suffix.lower()
    if kind not in KINDS:
        raise click.UsageError(f"-o {output.name}: name it .html or .pdf")
    if week and session is not None:
        raise click.UsageError("--week is of all sessions of the days: name no session")
    if until is not None and not week:
        raise click.UsageError("--until goes with --week")
    refuse_existing(output, force=force)
    paper = _week(until, name, person) if week else _session(session or "last", name)
    with new_file(output, force=force) as file:
        if kind == ".pdf":
            from sessions.page import write_pdf

            missing = write_pdf(paper, file, sheet=sheet)
            if missing:
                say(f"the PDF's font has no {' '.join(missing[:10])}", "the HTML report shows all signs")
        else:
            from sessions.reporthtml import html

            file.write(html(paper).encode())
    say(f"wrote {output}")


def _session(session: str, name: str) -> "Paper":
    from companion.cli.judging import judged
    from sessions.report import session_paper

    with opened_log() as store:
        data = store.load(session)
    return session_paper(data, judged(data), person=name, software=f"knead {software_version()}")


def _week(until: "date | None", name: str, person: str | None) -> "Paper":
    from companion.cli.judging import judged_week
    from sessions.week import week_of

    held = settings(person=person)
    with opened_log() as store:
        found = week_of(store, held.person, until)
    return found.paper(judged_week(found.contexts), person=name, software=f"knead {software_version()}")
