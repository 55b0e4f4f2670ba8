import importlib

import numpy as np
import pytest

from textaxa.errors import DataError, MissingExtraError
from textaxa.evaluation import TfidfReference, majority_paths
from textaxa.taxonomy import Taxonomy

GAMES, CARDS, TOOLS, CLOCKS = ("Games",), ("Games", "Cards"), ("Tools",), ("Tools", "Clocks")

WORDS = {CARDS: "poker solitaire bridge deck", CLOCKS: "alarm timer wake stopwatch", GAMES: "puzzle quest level arcade"}


def texts_of(n, seed):
    """Texts of two words of their class and two that say nothing."""
    generator = np.random.default_rng(seed)
    paths = [list(WORDS)[i] for i in generator.integers(0, len(WORDS), n)]
    texts = [
        " ".join([*generator.choice(WORDS[path].split(), 2), *generator.choice(["app", "free", "new", "best"], 2)])
        for path in paths
    ]
    return texts, [(path,) for path in paths]


def test_the_majority_is_the_most_frequent_set_of_paths():
    labels = [(TOOLS,), (CARDS, CLOCKS), (CLOCKS, CARDS), (TOOLS, CARDS)]
    assert majority_paths(labels, 3) == [(CARDS, CLOCKS)] * 3
    assert majority_paths([(TOOLS,), (GAMES,)], 1) == [(TOOLS,)]
    with pytest.raises(DataError, match="no majority"):
        majority_paths([], 1)


def test_tfidf_learns_one_path_a_text():
    pytest.importorskip("sklearn")
    reference = TfidfReference(*texts_of(120, 0))
    texts, wanted = texts_of(60, 1)
    assert np.mean([p == t for p, t in zip(reference.predict(texts), wanted, strict=True)]) > 0.95


def test_its_probabilities_are_coherent_and_in_the_order_of_any_taxonomy():
    pytest.importorskip("sklearn")
    reference = TfidfReference(*texts_of(120, 0))
    whole = Taxonomy.from_paths([("New",), CLOCKS, GAMES, CARDS])
    proba = reference.node_proba(["poker deck", "alarm"], whole)
    assert proba[:, whole.index(("New",))].tolist() == [0, 0]
    np.testing.assert_allclose(proba[:, whole.index(GAMES)] + proba[:, whole.index(TOOLS)], 1)
    assert (proba[:, whole.index(CARDS)] <= proba[:, whole.index(GAMES)]).all()
    assert proba[0, whole.index(CARDS)] > 0.8
    assert proba[1, whole.index(CARDS)] < 0.2


def test_tfidf_learns_several_paths_a_text():
    pytest.importorskip("sklearn")
    texts, labels = texts_of(200, 0)
    other_texts, other_labels = texts_of(200, 5)
    both = [f"{a} {b}" for a, b in zip(texts, other_texts, strict=True)]
    sets = [tuple(sorted({*a, *b})) for a, b in zip(labels, other_labels, strict=True)]
    reference = TfidfReference(both[:150], sets[:150])
    found = reference.predict(both[150:])
    # A path stands for the paths above it.
    wanted = [{p for p in one if not (p == GAMES and CARDS in one)} for one in sets[150:]]
    assert np.mean([set(p) == t for p, t in zip(found, wanted, strict=True)]) > 0.8


def test_one_class_only_is_always_predicted():
    pytest.importorskip("sklearn")
    assert TfidfReference(["alarm", "timer"], [(CLOCKS,), (CLOCKS,)]).predict(["poker", ""]) == [(CLOCKS,)] * 2
    several = TfidfReference(["alarm", "timer"], [(CLOCKS,), (CLOCKS,)], several=True)
    assert several.predict(["poker"]) == [(CLOCKS,)]


def test_no_texts_are_predicted_nothing():
    pytest.importorskip("sklearn")
    assert TfidfReference(["alarm", "poker"], [(CLOCKS,), (CARDS,)]).predict([]) == []


def test_what_cannot_be_learnt_from_is_refused():
    pytest.importorskip("sklearn")
    with pytest.raises(DataError, match="1 texts and 2 labels"):
        TfidfReference(["alarm"], [(CLOCKS,), (CARDS,)])
    with pytest.raises(DataError, match="no word of two characters"):
        TfidfReference(["!", "a"], [(CLOCKS,), (CARDS,)])
    with pytest.raises(DataError, match="Text 1 has 2 paths"):
        TfidfReference(["alarm", "poker"], [(CLOCKS,), (CARDS, CLOCKS)], several=False)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    def missing(name, *args):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"textaxa\[train\]"):
        TfidfReference(["alarm"], [(CLOCKS,)])


def test_the_metrics_import_neither_scikit_learn_nor_rich():
    import subprocess
    import sys

    code = (
        "import sys, textaxa.evaluation, textaxa.decoding; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sklearn', 'scipy', 'rich', 'torch', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
