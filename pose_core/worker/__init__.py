"""The worker process: everything heavy runs there, so that it can neither freeze nor crash Blender.

`protocol` says what travels over the pipes, `server` is the worker itself (`python -m pose_core.worker`), `client`
starts it and talks to it, `installer` makes the environment it runs in. All but `jobs` need the standard library
alone.
"""
