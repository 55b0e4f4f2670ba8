"""Model folders to and from the Hugging Face Hub, or another place that speaks its protocol.

A model folder goes in and a commit comes out; the name of a repository goes in and a checked model folder comes out.
Nothing else of the package asks the network for a model: what was pulled is a folder like any other.

`huggingface_hub.ModelHubMixin` has the same methods, and `textaxa.HierarchicalTextClassifier` offers them under the
same names, but does not inherit from it. The mixin removes ``config.json`` before it saves, so a model that was there
could be lost half-way, and it hands the entries of ``config.json`` (``head``, ``encoder``) to the constructor, which
has parameters of these names that mean something else. Our folder has its own configuration and its own card.
"""

from textaxa.hub._pull import pull, pulled
from textaxa.hub._push import push

__all__ = ["pull", "pulled", "push"]
