"""How long does a head take to train once the features exist? `chained` and logistic regression on 10,000 of them.

The rival is scikit-learn's LogisticRegression on the same features and full paths: what people use on frozen features
today. The two take turns; medians over repeats. Accuracy is on the official test rows.

    python benchmarks/bench_frozen_head.py          # writes results/frozen_head.md
"""

import statistics
import time
from pathlib import Path

import numpy as np
from _corpora import load
from _machine import describe

ROWS = 10_000
REPEATS = 3


def main() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from textaxa.encoders import TransformerEncoder, load_encoder
    from textaxa.settings import EncoderSettings, TrainingSettings
    from textaxa.taxonomy import Taxonomy
    from textaxa.training import train_model

    data = load("hwu64")
    texts, labels = [*data.train[0], *data.valid[0]][:ROWS], [*data.train[1], *data.valid[1]][:ROWS]
    encoder = load_encoder(EncoderSettings())
    began = time.monotonic()
    known = {id(rows): encoder.encode(rows) for rows in (texts, data.test[0])}
    features_seconds = time.monotonic() - began
    features, test_features = known[id(texts)], known[id(data.test[0])]

    TransformerEncoder.encode = lambda _, rows: known[id(rows)]  # the features are the same ones for both
    classes = sorted(set(labels))
    y = np.array([classes.index(row) for row in labels])
    seconds: dict[str, list[float]] = {"chained": [], "logistic regression": []}
    right: dict[str, float] = {}
    for repeat in range(REPEATS):
        marks: dict[str, float] = {}
        model = train_model(
            texts,
            labels,
            Taxonomy.from_paths(row[0] for row in labels),
            encoder=EncoderSettings(frozen=True),
            training=TrainingSettings(seed=repeat),
            listener=lambda event, marks=marks: marks.setdefault(event["event"], time.monotonic()),
        )
        seconds["chained"].append(marks["end"] - marks["start"])
        found = [(row[0].path,) for row in model.decode(model.node_proba_of(test_features))]
        right["chained"] = _share_right(found, data.test[1])

        began = time.monotonic()
        rival = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, y)
        seconds["logistic regression"].append(time.monotonic() - began)
        found = [classes[i] for i in rival.predict(test_features)]
        right["logistic regression"] = _share_right(found, data.test[1])

    lines = ["# Training a head on cached features", ""]
    lines += [f"Written by `benchmarks/bench_frozen_head.py`. {describe()}", ""]
    lines += [f"{len(texts):,} texts of hwu64, 384 features, computed once in {features_seconds:.0f} s;"]
    lines += [f"{REPEATS} repeats in turn.", ""]
    lines += ["| system | seconds, median | all | path accuracy on 1,076 test rows, last repeat |"]
    lines += ["| --- | --: | --- | --: |"]
    for name, found in seconds.items():
        everything = ", ".join(f"{s:.1f}" for s in found)
        lines.append(f"| {name} | {statistics.median(found):.1f} | {everything} | {100 * right[name]:.1f} % |")
    (Path(__file__).parent / "results" / "frozen_head.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _share_right(found: list, labels: list) -> float:
    return float(np.mean([a == b for a, b in zip(found, labels, strict=True)]))


if __name__ == "__main__":
    main()
