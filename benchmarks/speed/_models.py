"""Fine-tuned models of the data sets, trained once and kept as model folders under ``$TEXTAXA_RUNS/finetuned``.

What makes prediction faster is measured on these: 8-bit weights, fewer layers, a fast path. The default recipe, on at
most `MOST_ROWS` training rows, so that two cores get through all sets; validation rows choose the epoch. Of the sets
with long texts (`LONG`) only the two top layers are trained, on stored outputs of those below, with half as many rows.

    python benchmarks/speed/_models.py trec hwu64      # train some ahead
"""

import os
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from _corpora import Rows, Split, load  # noqa: E402

SETS = ("open-apps", "trec", "hwu64", "amazon3", "naics2017", "newsgroups20", "appstore_tokens", "arxiv")
RUNS = Path(os.environ.get("TEXTAXA_RUNS", "build/accuracy"))
RESULTS = HERE.parent / "results"
LONG = ("newsgroups20", "appstore_tokens", "arxiv")
MOST_ROWS = 4000
MOST_TESTED = 2000


def sample(rows: Rows, most: int) -> Rows:
    """Give all rows, or so many of them drawn at random, always the same."""
    texts, labels = rows
    if len(texts) <= most:
        return rows
    chosen = sorted(random.Random(0).sample(range(len(texts)), most))  # noqa: S311
    return [texts[i] for i in chosen], [labels[i] for i in chosen]


def reduced(name: str) -> Split:
    """Give a data set with at most `MOST_ROWS` training and `MOST_TESTED` validation and test rows."""
    data = load(name)
    most = MOST_ROWS // 2 if name in LONG else MOST_ROWS
    return Split(name, sample(data.train, most), sample(data.valid, MOST_TESTED), sample(data.test, MOST_TESTED))


def fine_tuned(name: str) -> Path:
    """Give the folder of a data set's fine-tuned model; it is trained where it is not there."""
    folder = RUNS / "finetuned" / name
    if not (folder / "config.json").is_file():
        _train(name, folder)
    return folder


def _train(name: str, folder: Path) -> None:
    from textaxa.persistence import save_model
    from textaxa.settings import EncoderSettings, TrainingSettings
    from textaxa.taxonomy import Taxonomy
    from textaxa.training import train_model

    data, whole = reduced(name), load(name)
    taxonomy = Taxonomy.from_paths(dict.fromkeys(whole.paths), sort=True)
    model = train_model(
        *data.train,
        taxonomy,
        encoder=EncoderSettings(trainable_layers=2 if name in LONG else None),
        training=TrainingSettings(calibration="none", promise_share=0),
        valid=data.valid,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, folder)


if __name__ == "__main__":
    for one in sys.argv[1:] or SETS:
        print(one, fine_tuned(one), flush=True)
