"""Child processes that end with their parent, and pip among them; standard library only."""
