"""Which bone plays which part of the body: by what a rig says, by names and by shape."""
