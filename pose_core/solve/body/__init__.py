"""The body that the solver moves: joints, freedoms, limits and forward kinematics."""
