"""Running a cut of a campaign in a test."""

import argparse
from pathlib import Path

from tools.campaign import frame
from tools.campaign.frame import Campaign


def run_cut(campaign: Campaign, folder: Path, *arguments: str) -> int:
    """Drive a campaign with arguments as on the command line; page and outcomes go into a folder."""
    parser = argparse.ArgumentParser()
    frame.add_common_arguments(parser, campaign.CASES)
    campaign.add_arguments(parser)
    own = ("--outcomes", str(folder / "kept"), "--page", str(folder / "page.md"))
    return frame.drive(campaign, parser.parse_args([*own, *arguments]))
