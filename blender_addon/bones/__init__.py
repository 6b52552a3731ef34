"""Which bone plays which part: the list to look at and to edit."""
