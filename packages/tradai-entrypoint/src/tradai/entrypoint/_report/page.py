"""Layout of the report page: verdict and notices first, then results, then provenance."""

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Final

from tradai.entrypoint._report.chart import ChartBundle
from tradai.entrypoint._report.config_rows import flatten, shorten_sources
from tradai.entrypoint._report.formatting import duration, instant
from tradai.entrypoint._report.html import Markup, element, fill, joined
from tradai.entrypoint._report.model import Figure, RunReport
from tradai.entrypoint._report.sections import has_charts, results, section
from tradai.entrypoint._report.tables import facts_table, figures_list, settings_table

_NO_STRATEGY: Final = "No strategy"


def render_report(report: RunReport) -> str:
    """Return `report` as one self-contained HTML page that needs no network.

    The page embeds the chart library only when there is something to draw.
    """
    bundle = ChartBundle.packaged() if report.parts and has_charts(report.parts) else None
    shown = results(report.parts, bundle) if report.parts else Markup()
    content = joined((shown, Markup("\n"), _record(report)))
    return render_page(_title(report), _header(report), content, bundle=bundle)


def render_page(
    title: str, header: Markup, content: Markup, *, bundle: ChartBundle | None = None
) -> str:
    """Return a self-contained page; without `bundle` it may run no script."""
    return fill(
        _asset("page.html"),
        policy=_policy(bundle),
        title=title,
        style=_style(bundle),
        header=header,
        content=content,
    )


def _style(bundle: ChartBundle | None) -> Markup:
    own = _asset("style.css")
    return Markup(f"{bundle.style}\n{own}" if bundle else own)


def _asset(name: str) -> str:
    return files(__package__ or __name__).joinpath(name).read_text(encoding="utf-8")


def _policy(bundle: ChartBundle | None) -> str:
    """Return a Content-Security-Policy that allows our own scripts, by their hashes, only."""
    scripts = " ".join(bundle.script_hashes) if bundle else "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _title(report: RunReport) -> str:
    name = " ".join(filter(None, (report.strategy or _NO_STRATEGY, report.version)))
    return f"{name}: {report.mode or 'run'} ended with exit code {report.exit_code}"


def _header(report: RunReport) -> Markup:
    tone = "good" if report.exit_code == 0 else "bad"
    exit_code = element("strong", f"Exit {report.exit_code}")
    first, *lines = report.verdict.split("\n")
    more = [element("span", line) for line in lines]
    return element(
        "header",
        element("p", report.mode or "Not started", class_="mode"),
        element("h1", report.strategy or _NO_STRATEGY, " ", element("small", report.version or "")),
        element("p", exit_code, " ", first, *more, class_=f"verdict {tone}"),
        notices_list(report.notices),
        figures_list(_run_facts(report), class_="circumstances"),
    )


def _notice(text: str) -> Markup:
    """Return an item of the list; one that begins with a key keeps its small letter."""
    if text.partition(" ")[0].isalpha():
        return element("li", text)
    return element("li", text, class_="literal")


def notices_list(notices: Iterable[str]) -> Markup:
    """Return the list of `notices`, which stands in the header; nothing without any."""
    items = list(map(_notice, notices))
    return element("ul", *items, class_="notices", aria_label="Notices") if items else Markup()


def _run_facts(report: RunReport) -> Iterator[Figure]:
    yield Figure("Run", report.run_id)
    if report.config_id:
        yield Figure("Configuration", report.config_id)
    yield Figure("Started", instant(report.started_at))
    yield Figure("Ended", instant(report.ended_at))
    yield Figure("Took", duration((report.ended_at - report.started_at).total_seconds()))


def _record(report: RunReport) -> Markup:
    """Return the configuration and the facts needed to repeat the run."""
    parts = []
    if report.configuration:
        parts.append(section("Configuration", *_configuration(report)))
    if report.facts:
        parts.append(section("Provenance", facts_table("Provenance", report.facts)))
    return joined(parts)


def _configuration(report: RunReport) -> Iterator[Markup]:
    settings = flatten(report.configuration, report.provenance)
    folder, settings = shorten_sources(settings)
    yield settings_table("Configuration", settings)
    if folder:
        yield element("p", "Files are in ", element("code", folder), class_="remark")
