"""What textaxa does: one plain function a command, each in the module of its name.

``train``, ``predict``, ``evaluate``, ``compare``, ``check``, ``taxonomy``, ``init``, ``info``, ``demo``. Python has the
functions as ``textaxa.train`` and so on; they give back plain values and never write to the terminal.
"""
