"""What a run says of itself, and the evaluated rig against what was asked."""
