"""Parts of `batch_retarget.py`: what the jobs are, how one runs, what was done before."""
