"""Try the product on hundreds of inputs that nobody chose, and judge what comes out.

    python scripts/campaign.py rigs --minutes 3         part of it; run again to go on
    python scripts/campaign.py hostile --fresh          all of it anew
    python scripts/campaign.py kills --targets batch    some kinds of jobs alone
    python scripts/campaign.py soak

Each campaign prints a table and renews its section of docs/results/robustness.md. Exit codes: 0 all is as it should be,
1 something is not.
"""

from __future__ import annotations

import tools.needs  # noqa: F401

# isort: split
import argparse
import signal
import sys

import _root  # noqa: F401 - puts the project on the path
from tools.campaign import frame, hostile, kills, rigs, soak

CAMPAIGNS: tuple[frame.Campaign, ...] = (rigs, hostile, kills, soak)


def main() -> int:
    """Run the campaign that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="name", required=True)
    for campaign in CAMPAIGNS:
        own = commands.add_parser(campaign.NAME, help=campaign.TITLE)
        frame.add_common_arguments(own, campaign.CASES)
        campaign.add_arguments(own)
        own.set_defaults(campaign=campaign)
    options = parser.parse_args()
    # Of a process that ignores Ctrl-C, as shells start those in the background, the children would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return frame.drive(options.campaign, options)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        print("\nstopped; run it again to go on", file=sys.stderr)
        raise SystemExit(130) from None
