"""The campaign of very many jobs: when a worker has grown, and a cut of it."""

import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from tests.support.campaign import run_cut
from tools.campaign import soak
from tools.campaign.soak import Size

SETTLED = [Size(300.0 + k % 3, 7 + k % 2, 4, 0) for k in range(14)]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Size(310.0, 8, 5, 0), ""),
        (replace(SETTLED[-1], memory_mb=360.0), "memory_mb is 360"),
        (replace(SETTLED[-1], handles=11), "handles is 11"),
        (replace(SETTLED[-1], threads=7), "threads is 7"),
        (replace(SETTLED[-1], temporary=1), "1 temporary files"),
    ],
)
def test_growth_is_seen(now: Size, words: str) -> None:
    verdict, said = soak.judge(SETTLED, now)
    assert verdict == ("grows" if words else "flat") and words in said


def test_a_worker_that_warms_up_may_grow_but_leaves_no_files() -> None:
    assert soak.judge(SETTLED[:3], Size(900.0, 50, 50, 0)) == ("flat", "")
    assert soak.judge(SETTLED[:3], Size(300.0, 7, 4, 2))[0] == "grows"


def test_every_kind_of_job_is_among_them() -> None:
    kinds = [case.what["kind"] for case in islice(soak.plan(0), soak.CASES)]
    assert {"plain", "preview", "broken", "missing", "part", "cancelled"} == set(kinds) and len(kinds) == 200


@pytest.mark.model
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_cut_of_it_is_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_cut(soak, tmp_path, "--cases", "20", "--minutes", "5")
    assert code == 0, capsys.readouterr().out
