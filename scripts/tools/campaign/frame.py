"""What all campaigns share: cases by seed, a bound in time, going on where one stopped, a table and a page.

A campaign is a module with `NAME`, `TITLE`, `ABOUT`, `GOOD` (verdicts that are as they should be) and

    plan(seed)  -> an endless or long list of cases, the same for the same seed; each has an `id`
    run(cases, deadline, options) -> yields an `Outcome` for each case it came to

Outcomes are kept one a line in a file of the user's cache, so that a campaign that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from pose_core.files import write_text
from tools.paths import cache_folder, project_root

PAGE = project_root() / "docs" / "results" / "robustness.md"
_HEAD = """# Robustness, measured

What happens with inputs that nobody chose: each campaign makes hundreds of them from a seed, and what comes out is
judged by rules. Written by `python scripts/campaign.py NAME`; the same seed makes the same cases.
"""
_SHOWN = 12
_FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/'\"():]+/)+")
"""Of files on the machine that ran it, which are nobody else's concern."""


@dataclass(frozen=True)
class Case:
    """One thing to try; all of it is plain data."""

    id: str
    group: str
    """What it is counted under."""
    what: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    id: str
    group: str
    verdict: str
    words: str = ""
    """Why, in one sentence, where it is not plain."""
    numbers: dict[str, float] = field(default_factory=dict)


class Campaign(Protocol):
    """A module of this package."""

    NAME: str
    TITLE: str
    ABOUT: str
    GOOD: tuple[str, ...]
    VERDICTS: tuple[str, ...]
    CASES: int
    """How many cases a whole run has."""

    def plan(self, seed: int) -> Iterator[Case]:
        """Cases, the same for the same seed."""

    def run(self, cases: Sequence[Case], deadline: float, options: argparse.Namespace) -> Iterator[Outcome]:
        """Try cases until `time.monotonic()` passes the deadline."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Options of its own."""


def add_common_arguments(parser: argparse.ArgumentParser, cases: int) -> None:
    """Options that every campaign has."""
    parser.add_argument("--seed", type=int, default=0, help="makes other cases")
    parser.add_argument("--cases", type=int, default=cases, help=f"how many (default: {cases})")
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after so long; run again to go on")
    parser.add_argument("--fresh", action="store_true", help="forget what was done before")
    parser.add_argument("--again", action="store_true", help="try cases anew that were not as they should be")
    parser.add_argument("--only", default="", metavar="WORD", help="only cases with this word in their name; no page")
    parser.add_argument("--outcomes", type=Path, metavar="FOLDER", help="where outcomes are kept (default: the cache)")
    parser.add_argument("--page", type=Path, default=PAGE, help="page whose section is renewed")


def drive(campaign: Campaign, options: argparse.Namespace) -> int:
    """Run a campaign, print its table and renew its section of the page.

    Returns:
        0 if every verdict is a good one, 1 if not.
    """
    start = time.monotonic()
    kept = (options.outcomes or cache_folder() / "campaigns") / f"{campaign.NAME}-{options.seed}.jsonl"
    if options.fresh:
        kept.unlink(missing_ok=True)
    planned = list(islice(campaign.plan(options.seed), options.cases))
    cases = [case for case in planned if options.only in case.id]
    done = {one.id: one for one in _read(kept) if one.verdict in campaign.GOOD or not options.again}
    left = [case for case in cases if case.id not in done]
    print(f"{campaign.NAME}: {len(cases)} cases, {len(cases) - len(left)} done before", flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        for outcome in campaign.run(left, start + 60 * options.minutes, options):
            done[outcome.id] = outcome
            file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
            file.flush()
            mark = "" if outcome.verdict in campaign.GOOD else "  <-- "
            print(f"{outcome.verdict:<8} {outcome.id}{mark}{outcome.words if mark else ''}", flush=True)
    outcomes = [done[case.id] for case in cases if case.id in done]
    section = section_of(campaign, outcomes, options.seed, len(cases))
    print(section)
    if not options.only:
        renew_section(options.page, campaign.NAME, section)
    bad = [one for one in outcomes if one.verdict not in campaign.GOOD]
    print(f"{campaign.NAME}: {len(outcomes)} of {len(cases)} cases, {len(bad)} not as they should be,"
          f" {time.monotonic() - start:.0f} s")  # fmt: skip
    return 1 if bad else 0


def section_of(campaign: Campaign, outcomes: Sequence[Outcome], seed: int, planned: int) -> str:
    """A campaign's part of the page."""
    lines = [f"## {campaign.TITLE}", "", campaign.ABOUT.strip(), ""]
    lines.append(f"Seed {seed}: {len(outcomes)} of {planned} cases.")
    lines += ["", f"| | {' | '.join(campaign.VERDICTS)} |", f"|---|{'---|' * len(campaign.VERDICTS)}"]
    for group in dict.fromkeys(one.group for one in outcomes):
        counts = Counter(one.verdict for one in outcomes if one.group == group)
        lines.append(f"| {group} | {' | '.join(str(counts[v]) for v in campaign.VERDICTS)} |")
    total = Counter(one.verdict for one in outcomes)
    lines.append(f"| **all** | {' | '.join(f'**{total[v]}**' for v in campaign.VERDICTS)} |")
    lines += _largest(outcomes)
    bad = [one for one in outcomes if one.verdict not in campaign.GOOD]
    if bad:
        lines += ["", "Not as they should be:", ""]
        lines += [f"- `{one.id}`: {one.verdict}. {_FOLDERS.sub('', one.words)}" for one in bad[:_SHOWN]]
        lines += [f"- and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
    return "\n".join(lines) + "\n"


def _largest(outcomes: Sequence[Outcome]) -> list[str]:
    """The largest of each number that was measured."""
    names = dict.fromkeys(name for one in outcomes for name in one.numbers)
    told = [f"{name} {max(one.numbers[name] for one in outcomes if name in one.numbers):.3g}" for name in names]
    return ["", f"Largest: {', '.join(told)}."] if told else []


def renew_section(page: Path, name: str, section: str) -> None:
    """Put a section in the place of its older self, or at the end; all others stay."""
    first, last = f"<!-- campaign {name} -->", f"<!-- end of campaign {name} -->"
    text = page.read_text(encoding="utf-8") if page.is_file() else _HEAD
    block = f"{first}\n{section}{last}\n"
    before, found, rest = text.partition(first)
    after = rest.partition(f"{last}\n")[2]
    write_text(page, f"{before}{block}{after}" if found else f"{text.rstrip()}\n\n{block}")


def _read(path: Path) -> Iterable[Outcome]:
    """Outcomes of an earlier run; a line that was cut off is left out."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Outcome(**json.loads(line))
        except (ValueError, TypeError):
            print(f"a line of {path.name} cannot be read; its case runs again", file=sys.stderr)
