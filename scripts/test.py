"""Install what the tests need and run them all.

    python3 scripts/test.py                        everything: lint, types, unit, train, model, blender, ui
    python3 scripts/test.py --tier unit,model      some tiers
    python3 scripts/test.py -k motion_file         the tests whose names match, in whatever tier they are
    python3 scripts/test.py --list                 what would be run
    python3 scripts/test.py --tier unit -- -x --lf whatever follows `--` goes to pytest

The exit code is 0 only if nothing failed. With CI=true a piece that cannot be had is a failure, elsewhere a skip that
is named at the end.
"""

import argparse
import sys
import time

from tools.environments import ensure_worker_env
from tools.errors import SetupError
from tools.progress import Progress
from tools.python import leave_venv, require_minimum
from tools.tiers import TIERS, Outcome, Runner, Tier


def _chosen_tiers(options: argparse.Namespace, parser: argparse.ArgumentParser) -> list[Tier]:
    names = [name.strip() for part in options.tier for name in part.split(",") if name.strip()]
    known = {tier.name for tier in TIERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no such tier: {', '.join(unknown)}; there are {', '.join(tier.name for tier in TIERS)}")
    if names:
        return [tier for tier in TIERS if tier.name in names]
    # A name expression asks for tests, so the tiers that are no tests are left out.
    return [tier for tier in TIERS if tier.marker or not options.k]


def _close(outcomes: list[Outcome], notes: list[str], duration_s: float, expression: str) -> int:
    print("\n===== summary")
    for outcome in outcomes:
        print(f"  {outcome.tier:<8} {outcome.state:<8} {outcome.duration_s:7.1f} s  {outcome.words}")
    for note in notes:
        print(f"  not run: {note}")
    totals = {
        word: sum(outcome.counts.get(word, 0) for outcome in outcomes) for word in ("failed", "passed", "skipped")
    }
    failed = [outcome.tier for outcome in outcomes if outcome.state == "FAILED"]
    ran = [outcome for outcome in outcomes if outcome.state != "skipped"]
    if expression and not ran:
        failed = [f"no test matches -k '{expression}'"]
    verdict = f"FAILED: {', '.join(failed)}" if failed else "PASSED"
    tests = f"{totals['passed']} tests passed, {totals['failed']} failed, {totals['skipped']} skipped"
    print(f"{verdict} - {tests}, {duration_s:.0f} s", flush=True)
    return 1 if failed else 0


def main() -> int:
    """Run the chosen tiers and return the exit code."""
    arguments = sys.argv[1:]
    extra: list[str] = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, extra = arguments[:split], arguments[split + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", action="append", default=[], metavar="NAME[,NAME]", help="run only these tiers")
    parser.add_argument("-k", default="", metavar="EXPR", help="run only tests that match, as in pytest")
    parser.add_argument("--list", action="store_true", help="print what would be run, and run nothing")
    options = parser.parse_args(arguments)
    tiers = _chosen_tiers(options, parser)
    leave_venv()
    start = time.monotonic()
    progress = Progress(sys.stdout)
    try:
        require_minimum()
        python = ensure_worker_env(progress, "dev")
    except SetupError as error:
        print(f"{error}\nFAILED: the development environment", flush=True)
        return 1
    runner = Runner(python, progress, options.k, extra)
    if options.list:
        for tier in tiers:
            runner.list_tests(tier)
        return 0
    outcomes = [runner.run(tier) for tier in tiers]
    return _close(outcomes, runner.notes, time.monotonic() - start, options.k)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        raise SystemExit(130) from None
