"""Which words argued for each level of a path, and which against it.

In come a model and a text, out goes an `Explanation`: numbers for the words of the text, level by level. How they come
about depends on the model: from the weights where it is linear, by integrated gradients where it is a network; by
leaving words out of any model, which takes no PyTorch.
"""

from textaxa.explanation._explain import explain, explain_many
from textaxa.explanation._explanation import Explanation, LevelExplanation, Word
from textaxa.explanation._html import explanation_html

__all__ = ["Explanation", "LevelExplanation", "Word", "explain", "explain_many", "explanation_html"]
