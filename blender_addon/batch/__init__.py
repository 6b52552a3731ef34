"""Jobs without a window: estimate, retarget, export, report."""
