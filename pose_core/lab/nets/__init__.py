"""Networks of published papers, and of the project's own."""
