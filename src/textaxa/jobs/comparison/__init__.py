"""The parts of ``textaxa compare``: which models, the plan, one run, vectors that runs share, the result and its pages.

The job itself is `textaxa.jobs.compare`.
"""
