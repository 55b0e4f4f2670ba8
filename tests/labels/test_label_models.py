"""Models that read label texts: trained, without training rows, for a changed taxonomy, and as a start for others."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from tiny_encoder import make_tiny_encoder
from torch.nn import functional as F  # noqa: N812
from training.apps import rows

from textaxa import HierarchicalTextClassifier
from textaxa.errors import ConfigError
from textaxa.heads import HEADS, head_class
from textaxa.labels import LabelVectors, start_from_names, zero_shot_model
from textaxa.migration import migrate
from textaxa.model import Model
from textaxa.persistence import load_model, save_model
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model
from textaxa.training._trainer import TrainingStep

TEXTS, LABELS = rows(48)
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)
WORDS = {
    ("game", "football"): "football club match",
    ("game", "puzzle"): "puzzle strategy",
    ("music", "photo"): "photo edit",
    ("music", "video"): "video with music",
    ("bank",): "bank money note",
}
SPOKEN = Taxonomy.from_paths(WORDS, descriptions=WORDS)
"""A taxonomy that the tiny encoder has words for."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


def train(tiny, *, head="label-text", head_settings=None, task="single", taxonomy=TAXONOMY, labels=LABELS, **options):
    frozen = options.pop("frozen", False)
    run = {key: options.pop(key) for key in ("checkpoint_dir", "resume", "listener", "valid") if key in options}
    return train_model(
        TEXTS,
        labels,
        taxonomy,
        task=task,
        head=head,
        head_settings=None if head_settings is None else head_class(head).Settings(**head_settings),
        encoder=EncoderSettings(encoder=tiny, max_length=32, frozen=frozen),
        training=TrainingSettings(**{"epochs": 2, "batch_size": 8, "precision": "fp32", **options}),
        **run,
    )


def with_taxonomy(model, taxonomy):
    return migrate(model, taxonomy).model


def zero_shot(tiny, taxonomy=SPOKEN, **options):
    return zero_shot_model(taxonomy, encoder=EncoderSettings(encoder=tiny, max_length=32), **options)


@pytest.fixture(scope="module")
def trained(tiny) -> Model:
    """Tests must not change it."""
    return train(tiny, encoder_rate=1e-3, head_rate=1e-2, epochs=4)


class TestTraining:
    @pytest.mark.parametrize("valid", [None, (TEXTS[:12], LABELS[:12])])
    def test_the_stored_vectors_are_those_of_the_encoder_that_is_kept(self, tiny, valid):
        model = train(tiny, encoder_rate=1e-3, epochs=3, valid=valid)
        torch.testing.assert_close(model.head.label_vectors, LabelVectors(model).all())

    def test_a_learning_encoder_moves_them_and_a_frozen_one_does_not(self, tiny):
        frozen = train(tiny, frozen=True)
        torch.testing.assert_close(frozen.head.label_vectors, LabelVectors(frozen).all())
        moved = train(tiny, encoder_rate=1e-3)
        start = moved.scale(torch.from_numpy(frozen.encoder.encode(LabelVectors(frozen).texts)))
        assert (moved.head.label_vectors - start).abs().max() > 0.05

    def test_the_encoder_learns_through_the_label_texts(self, tiny):
        """The text's own vector is given as a constant, so what gradient arrives has come by way of the labels."""
        model = zero_shot(tiny)
        vectors = LabelVectors(model)
        model.train()
        features = torch.randn(4, model.encoder.width)
        targets = torch.arange(4)
        model.head.loss(model.head(features, targets, encode=vectors.encode), targets).backward()
        words = model.encoder.backbone.get_input_embeddings().weight.grad.abs().sum(1)
        assert words[model.encoder.tokenise.tokenizer.convert_tokens_to_ids("football")] > 0
        assert words[model.encoder.tokenise.tokenizer.convert_tokens_to_ids("the")] == 0

    def test_a_step_of_training_reads_them_with_gradient_and_a_frozen_one_does_not(self, tiny):
        model = zero_shot(tiny)
        calls = []
        vectors = LabelVectors(model)
        real = vectors.encode
        vectors.encode = lambda nodes: calls.append(len(nodes)) or real(nodes)
        batch = model.encoder.collate(model.encoder.tokenise(["football club", "bank"]))
        batch = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "text_of": batch.text_of}
        TrainingStep(model, frozen=False, label_vectors=vectors).train()(torch.tensor([0, 1]), **batch)
        assert calls == [len(SPOKEN)]

    def test_an_interrupted_run_resumes_to_the_same_bits(self, tiny, tmp_path):
        options = {"epochs": 3, "head_settings": {"negatives": 2}, "encoder_rate": 1e-3}

        class StopError(Exception):
            pass

        def stop(event):
            if event["event"] == "step" and event["step"] == 9:
                raise StopError

        undisturbed = train(tiny, **options)
        with pytest.raises(StopError):
            train(tiny, **options, checkpoint_dir=tmp_path, listener=stop)
        resumed = train(tiny, **options, checkpoint_dir=tmp_path, resume=True)
        for name, value in undisturbed.state_dict().items():
            torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0, msg=name)

    def test_several_paths(self, tiny):
        both = [(paths[0], ("Finance",)) for paths in LABELS]
        model = train(tiny, task="multi", labels=both, epochs=10, encoder_rate=1e-3, head_rate=1e-2)
        found = [{p.path for p in row} for row in model.predict(TEXTS)]
        assert np.mean([("Finance",) in paths for paths in found]) == 1
        deep = [(paths[0] in seen) for paths, seen in zip(LABELS, found, strict=True) if len(paths[0]) == 2]
        assert np.mean(deep) > 0.7


class TestZeroShot:
    def test_it_beats_chance_by_far(self, tiny):
        model = zero_shot(tiny)
        texts = [f"the app for {words}" for words in WORDS.values()]
        found = [row[0].path for row in model.predict(texts)]
        assert np.mean([a == b for a, b in zip(found, WORDS, strict=True)]) >= 0.6  # chance is 1 in 5

    def test_features_are_not_scaled_and_nothing_is_random(self, tiny):
        first, again = zero_shot(tiny), zero_shot(tiny)
        assert (first.scale.mean == 0).all()
        assert (first.scale.inverse_deviation == 1).all()
        np.testing.assert_array_equal(first.node_proba(TEXTS), again.node_proba(TEXTS))

    def test_it_comes_back_from_its_folder(self, tiny, tmp_path):
        model = zero_shot(tiny, task="multi")
        save_model(model, tmp_path / "m")
        np.testing.assert_array_equal(load_model(tmp_path / "m").node_proba(TEXTS), model.node_proba(TEXTS))
        assert "seen no training row" in (tmp_path / "m" / "README.md").read_text()

    @pytest.mark.parametrize("head", [name for name in HEADS if name != "label-text"])
    def test_other_heads_need_rows(self, tiny, head):
        with pytest.raises(ConfigError, match=r"cannot do without training rows.*label-text"):
            zero_shot(tiny, head=head)

    def test_by_the_estimator(self, tiny):
        classifier = HierarchicalTextClassifier.zero_shot(SPOKEN, encoder=tiny, max_length=32)
        np.testing.assert_array_equal(classifier.predict_proba(TEXTS), zero_shot(tiny).node_proba(TEXTS))
        assert (classifier.task_, classifier.head) == ("single", "label-text")
        assert classifier.classes_ == list(SPOKEN.nodes)
        assert clone(classifier).get_params()["taxonomy"] == SPOKEN
        with pytest.raises(ConfigError, match="'flat' cannot do without training rows"):
            HierarchicalTextClassifier.zero_shot(SPOKEN, head="flat", encoder=tiny)
        several = HierarchicalTextClassifier.zero_shot(SPOKEN, encoder=tiny, max_length=32, task="multi")
        assert several.task_ == "multi"


class TestChangedTaxonomy:
    def test_a_new_node_gets_its_share_without_training(self, tiny):
        model = zero_shot(tiny)
        added = Taxonomy.from_paths([*WORDS, ("bank", "app")], descriptions={**WORDS, ("bank", "app"): "app for note"})
        changed = with_taxonomy(model, added)
        proba = changed.node_proba(["bank app: app for note", "football club match"])
        node = added.index(("bank", "app"))
        assert proba.shape == (2, len(added))
        assert proba[0, node] > 3 * proba[1, node]
        assert changed.summary["history"][0]["counts"]["new"] == 1
        fresh = zero_shot(tiny, added)  # made for it from the first
        np.testing.assert_allclose(changed.node_proba(TEXTS), fresh.node_proba(TEXTS), atol=1e-5)

    def test_a_rename_changes_the_vectors_of_that_node_alone(self, trained):
        paths = [("Sums",) if path == ("Finance",) else path for path in TAXONOMY.nodes]
        renamed = Taxonomy.from_paths([p for p in paths if TAXONOMY.is_terminal[paths.index(p)]], sort=True)
        before = trained.head.label_vectors.clone()
        changed = with_taxonomy(trained, renamed)
        for node, path in enumerate(renamed.nodes):
            old = TAXONOMY.find(path)
            if old is None:
                assert path == ("Sums",)
                others = before - changed.head.label_vectors[node]
                assert (others.abs().amax(1) > 1e-3).all()
            else:
                torch.testing.assert_close(changed.head.label_vectors[node], before[old], rtol=0, atol=0)
        for name, value in trained.head.state_dict().items():
            if name != "label_vectors":
                torch.testing.assert_close(changed.head.state_dict()[name], value, rtol=0, atol=0)
        torch.testing.assert_close(trained.head.label_vectors, before, rtol=0, atol=0)

    def test_another_order_of_nodes_permutes_the_answer(self, trained):
        order = [path for path in reversed(TAXONOMY.nodes) if TAXONOMY.is_terminal[TAXONOMY.index(path)]]
        changed = with_taxonomy(trained, Taxonomy.from_paths(order))
        columns = [TAXONOMY.index(path) for path in changed.taxonomy.nodes]
        assert columns != sorted(columns)
        np.testing.assert_allclose(changed.node_proba(TEXTS), trained.node_proba(TEXTS)[:, columns], atol=1e-6)
        by_path = dict(zip(TAXONOMY.terminals.tolist(), trained.summary["counts"], strict=True))
        expected = [by_path[TAXONOMY.index(changed.taxonomy.path(int(t)))] for t in changed.taxonomy.terminals]
        assert changed.summary["counts"] == expected

    def test_deeper_levels_take_the_bias_of_the_deepest(self, tiny):
        model = train(tiny, task="multi", epochs=1)
        deeper = Taxonomy.from_paths([*TAXONOMY.nodes, ("Media", "Video", "Clips")])
        changed = with_taxonomy(model, deeper)
        bias = model.head.bias.tolist()
        assert changed.head.bias.tolist() == [*bias, bias[-1]]
        changed = with_taxonomy(model, Taxonomy.from_paths([("Games",), ("Other",)]))
        assert changed.head.bias.tolist() == bias[:1]

    def test_thresholds_go_with_the_paths(self, tiny):
        model = zero_shot(tiny, task="multi")
        assert with_taxonomy(model, TAXONOMY).thresholds is None
        model.thresholds = np.linspace(0.1, 0.7, len(SPOKEN))
        changed = with_taxonomy(model, Taxonomy.from_paths([("new", "er"), ("game", "new"), *WORDS]))
        found = dict(zip(changed.taxonomy.nodes, changed.thresholds, strict=True))
        for path, threshold in zip(SPOKEN.nodes, model.thresholds, strict=True):
            assert found[path] == threshold
        assert found["game", "new"] == found["game",]
        assert found["new", "er"] == found["new",] == np.median(model.thresholds)

    def test_it_is_saved_like_any_other(self, trained, tmp_path):
        changed = with_taxonomy(trained, Taxonomy.from_paths([*TAXONOMY.nodes, ("Travel", "Maps")]))
        save_model(changed, tmp_path / "m")
        again = load_model(tmp_path / "m")
        np.testing.assert_array_equal(again.node_proba(TEXTS), changed.node_proba(TEXTS))
        assert "new 2" in (tmp_path / "m" / "README.md").read_text()

    def test_by_the_estimator(self, tiny):
        classifier = HierarchicalTextClassifier.zero_shot(SPOKEN, encoder=tiny, max_length=32)
        changed = classifier.with_taxonomy(TAXONOMY)
        assert changed.classes_ == list(TAXONOMY.nodes)
        assert classifier.classes_ == list(SPOKEN.nodes)


STARTED = [name for name in HEADS if hasattr(head_class(name), "output_rows")]


class TestStartFromNames:
    def test_these_heads_know_which_row_is_which_node(self):
        assert {"flat", "per-level", "chained", "binary", "conditional"} <= set(STARTED)

    @pytest.mark.parametrize(("head", "task"), [(head, task) for head in STARTED for task in head_class(head).tasks])
    def test_every_row_points_where_its_label_text_does(self, tiny, head, task):
        kind = head_class(head)
        taxonomy = Taxonomy.from_paths([*WORDS, ("game",)], descriptions=WORDS)
        settings = zero_shot(tiny, taxonomy)
        built = kind(taxonomy, settings.encoder.width, task=task, settings=kind.Settings(), counts=None)
        model = Model(taxonomy, settings.encoder, built, settings.settings)
        model.scale.fit(settings.encoder.encode(TEXTS))
        before = {name: value.clone() for name, value in model.head.state_dict().items()}
        start_from_names(model)
        directions = F.normalize(model.scale(torch.from_numpy(model.encoder.encode(LabelVectors(model).texts))), dim=1)
        width, rows_seen = model.encoder.width, []
        for linear, nodes in model.head.output_rows():
            assert len(nodes) == linear.out_features
            rows_seen += nodes.tolist()
            expected = directions[torch.tensor(nodes.tolist())] * 20 / width**0.5
            torch.testing.assert_close(linear.weight[:, :width], expected, atol=1e-4, rtol=1e-4)
        wanted = taxonomy.terminals.tolist() if head == "flat" else range(len(taxonomy))
        assert set(rows_seen) == set(wanted)
        changed = {name for name, value in model.head.state_dict().items() if not value.equal(before[name])}
        assert changed == {name for name in changed if name.endswith("weight")}
        for name in changed:
            torch.testing.assert_close(model.head.state_dict()[name][:, width:], before[name][:, width:])

    def test_an_ended_path_has_the_vector_of_its_node(self, tiny):
        model = train(
            tiny, head="per-level", head_settings={"init": "label-names"}, frozen=True, epochs=1, head_rate=0.0
        )
        (_, top), (linear, lower) = model.head.output_rows()
        finance = TAXONOMY.index(("Finance",))
        assert finance in top
        ended = linear.weight[lower.tolist().index(finance)]
        torch.testing.assert_close(ended, model.head.classifiers[0].weight[top.tolist().index(finance)])

    @pytest.mark.parametrize("head", STARTED)
    def test_it_is_what_training_starts_from(self, tiny, head):
        """With rates of 0 the start is what comes out; labels say more about it than chance does."""
        texts = [f"the app for {words}" for words in WORDS.values()] * 2
        model = train_model(
            texts,
            [(path,) for path in WORDS] * 2,
            SPOKEN,
            head=head,
            head_settings=head_class(head).Settings(init="label-names"),
            encoder=EncoderSettings(encoder=tiny, max_length=32),
            training=TrainingSettings(epochs=1, batch_size=5, encoder_rate=0.0, head_rate=0.0, precision="fp32"),
        )
        found = [row[0].path for row in model.predict(texts)]
        assert np.mean([a == b for a, b in zip(found, [*WORDS, *WORDS], strict=True)]) >= 0.6
