"""Parts of the evaluation: sequences with truth, lifters to compare, measures, pages and pictures."""
