"""A job in the worker as an operator: it only starts it; `job_run` owns it."""

from __future__ import annotations

import bpy

from . import job_run
from .job_run import Plan, cancel_job
from .state import STATE, Problem

__all__ = ["JobOperator", "Plan", "cancel_job", "redraw"]


class JobOperator:
    """Mixed into operators: starts a plan in the interface, and runs it to its end for scripts."""

    plan_type: type[Plan] = Plan

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """One job at a time."""
        if STATE.job is not None:
            cls.poll_message_set("Another job is running")
        return STATE.job is None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end before returning: for background mode, where Blender has no timers, and for scripts."""
        return self._outcome(job_run.run_blocking(self.plan_type(), context), "ERROR")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start, and go on from a timer."""
        if bpy.app.background:
            return self.execute(context)
        return self._outcome(job_run.start(self.plan_type(), context), "WARNING")

    def _outcome(self, problem: Problem | None, level: str) -> set[str]:
        """Report it: in the interface the panel shows it, a script must get an exception."""
        if problem is not None and problem.message:
            self.report({level}, f"{problem.message} {problem.hint}".strip())
        elif STATE.note:
            self.report({"INFO"}, STATE.note)
        return {"FINISHED"} if problem is None else {"CANCELLED"}


def redraw(_context: bpy.types.Context) -> None:
    """Have the places redrawn where a job shows."""
    job_run.redraw()
