"""Pictures of people with joints for training image networks: our rendered sets and the usual public ones."""
