"""Parts of other packages that are broken, missing or ambiguous: told by the package, not imported to be listed."""

import json
import sys

import numpy as np
import pytest
from plugins.foreign_packages import make_package

from textaxa._plugins import find_plugin, plugins
from textaxa.config import Config
from textaxa.decoding import DECODERS, check_decoder, decode, known_decoders
from textaxa.errors import ConfigError, ModelFileError
from textaxa.heads import HEADS, is_head, known_heads, needs_encoder
from textaxa.jobs.plugins import list_plugins
from textaxa.persistence._plugins import check_plugins, needed
from textaxa.taxonomy import Taxonomy

SHOP = Taxonomy.from_paths([("Games", "Sports"), ("Tools",)])
PART = {"kind": "head", "name": "far-head", "package": "far-away", "version": "2.0"}


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def test_what_is_listed_is_not_imported(site):
    make_package(site, "acme-parts", {"textaxa.heads": {"acme": "acme_bomb:Head"}}, acme_bomb="raise SystemExit(3)")
    (found,) = [plugin for plugin in plugins("head") if plugin.package == "acme-parts"]
    assert (found.kind, found.name, found.version) == ("head", "acme", "0.5")
    assert str(found) == "The head 'acme' of the package acme-parts 0.5"
    assert known_heads() == (*HEADS, "acme")
    assert is_head("acme")
    assert needs_encoder("acme")
    assert Config.from_dict({"head": {"name": "acme", "anything": 1}}).head == "acme"
    assert "acme_bomb" not in sys.modules


def test_a_head_that_cannot_be_imported_is_told_with_its_package(site):
    make_package(site, "acme-parts", {"textaxa.heads": {"acme": "acme_gone:Head"}}, acme_gone="import not_there_at_all")
    with pytest.raises(
        ConfigError, match=r"'acme' of the package acme-parts 0\.5 cannot be imported from acme_gone:Head"
    ):
        _ = Config.from_dict({"head": {"name": "acme"}}).head_settings
    (part,) = [part for part in list_plugins(check=True) if part.name == "acme"]
    assert "not_there_at_all" in part.fault
    assert not any(part.fault for part in list_plugins() if part.name == "acme")


HEAD = """
from dataclasses import dataclass
from torch import nn
from textaxa.settings import Checked, setting
@dataclass(frozen=True)
class S(Checked):
    size: int = setting(3, "A size.", at_least=1)
class Whole(nn.Module):
    Settings, tasks, reads = S, ("single",), "vectors"
    def forward(self, features, targets=None, progress=0.0): pass
    def loss(self, scores, targets): pass
    def node_proba(self, scores): pass
    def end_epoch(self): pass
class NoForward(nn.Module):
    Settings, tasks, reads = S, ("single",), "vectors"
    loss = node_proba = end_epoch = lambda self: None
class NoLoss(Whole):
    loss = None
class NoSettings(Whole):
    Settings = dict
class NoTasks(Whole):
    tasks = ()
class OddTasks(Whole):
    tasks = ("single", "triple")
class TextTasks(Whole):
    tasks = "single"
class Texts(Whole):
    reads = "texts"
class NoModule:
    pass
def function(): pass
"""

FAULTS = {
    "NoForward": "its class lacks forward",
    "NoLoss": "its class lacks loss",
    "NoSettings": "its Settings are not a frozen dataclass",
    "NoTasks": r"its tasks are \(\)",
    "OddTasks": "its tasks are .*triple",
    "TextTasks": "its tasks are 'single'",
    "Texts": "it reads 'texts'",
    "NoModule": "not a class made from torch.nn.Module",
    "function": "not a class made from torch.nn.Module",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_class_that_is_no_head_is_refused_before_anything_is_built(site, name):
    pytest.importorskip("torch", reason="heads need PyTorch")
    make_package(site, "acme-parts", {"textaxa.heads": {"acme": f"acme_heads:{name}"}}, acme_heads=HEAD)
    with pytest.raises(ConfigError, match=f"acme-parts 0.5 cannot be used: .*{FAULTS[name]}"):
        _ = Config.from_dict({"head": {"name": "acme"}}).head_settings


def test_settings_of_a_foreign_head_are_checked_as_ours_are(site):
    pytest.importorskip("torch", reason="heads need PyTorch")
    make_package(site, "acme-parts", {"textaxa.heads": {"acme": "acme_heads:Whole"}}, acme_heads=HEAD)
    assert Config.from_dict({"head": {"name": "acme"}}).head_settings.size == 3
    with pytest.raises(ConfigError, match=r"Unknown setting 'sizes'.*Did you mean 'size'"):
        _ = Config.from_dict({"head": {"name": "acme", "sizes": 2}}).head_settings
    with pytest.raises(ConfigError, match="size = 0 is too small"):
        _ = Config.from_dict({"head": {"name": "acme", "size": 0}}).head_settings


def test_two_packages_with_one_name_are_refused_by_both_names(site):
    for package in ("acme-parts", "best-parts"):
        make_package(site, package, {"textaxa.decoders": {"own": "nowhere:X"}})
    with pytest.raises(ConfigError, match="could be of several packages: acme-parts and best-parts"):
        find_plugin("decoder", "own")


def test_a_name_of_ours_is_never_taken(site):
    make_package(site, "acme-parts", {"textaxa.decoders": {"greedy": "acme_bomb:X"}}, acme_bomb="raise SystemExit(3)")
    assert decode(SHOP, [[0.2, 0.8, 0.2]], "greedy")[0][0].path == ("Tools",)
    assert known_decoders() == tuple(DECODERS)
    (part,) = [part for part in list_plugins(check=True) if part.package == "acme-parts"]
    assert "textaxa has a decoder of this name" in part.fault


DECODER = """
from textaxa.decoding import Decoder, top_paths
def first(taxonomy, node_proba, *, beta): return top_paths(taxonomy, node_proba, int(beta))
GOOD = Decoder("as many as beta says", ("beta",), first)
ODD = Decoder("takes what there is not", ("heat",), first)
NOT = first
"""


def test_a_foreign_decoder_takes_the_options_that_it_declares(site):
    make_package(site, "acme-parts", {"textaxa.decoders": {"by-beta": "acme_decoders:GOOD"}}, acme_decoders=DECODER)
    assert [len(row) for row in decode(SHOP, np.full((2, 3), 0.5), "by-beta", beta=2)] == [2, 2]
    with pytest.raises(ConfigError, match="top is given, but the decoder 'by-beta' does not take it"):
        check_decoder("by-beta", top=2)
    with pytest.raises(ConfigError, match=r"no decoder 'by-betta'\. Did you mean 'by-beta'"):
        check_decoder("by-betta")


@pytest.mark.parametrize(
    ("name", "told"), [("ODD", "takes heat, but there are only top"), ("NOT", "not a textaxa.dec")]
)
def test_what_is_no_decoder_is_refused(site, name, told):
    make_package(site, "acme-parts", {"textaxa.decoders": {"by-beta": f"acme_decoders:{name}"}}, acme_decoders=DECODER)
    with pytest.raises(ConfigError, match=f"acme-parts.*{told}"):
        check_decoder("by-beta")


ENCODER = """
from textaxa.errors import ConfigError
def gives_none(settings, name): return None
NOT = 3
"""


@pytest.mark.parametrize(("name", "told"), [("gives_none", "gives a NoneType, not a"), ("NOT", "is not a function")])
def test_what_is_no_encoder_is_refused(site, name, told):
    pytest.importorskip("torch", reason="encoders need PyTorch")
    from textaxa.encoders import load_encoder
    from textaxa.settings import EncoderSettings

    make_package(site, "acme-parts", {"textaxa.encoders": {"acme": f"acme_encoders:{name}"}}, acme_encoders=ENCODER)
    with pytest.raises(ConfigError, match=f"encoder 'acme' of the package acme-parts.*{told}"):
        load_encoder(EncoderSettings(encoder="acme:12"))
    (part,) = [part for part in list_plugins(check=True) if part.name == "acme"]
    assert not part.fault  # what a loader gives is known when it is called


def test_a_model_says_what_it_needs(site, tmp_path):
    make_package(site, "acme-parts", {"textaxa.heads": {"acme": "a:A"}, "textaxa.encoders": {"acme-bert": "a:B"}})
    folder = tmp_path / "model"
    (folder / "encoder").mkdir(parents=True)
    assert needed("flat", folder) == []
    (folder / "encoder" / "config.json").write_text(json.dumps({"model_type": "acme-bert"}), encoding="utf-8")
    own = {"package": "acme-parts", "version": "0.5"}
    assert needed("acme", folder) == [
        {"kind": "head", "name": "acme", **own},
        {"kind": "encoder", "name": "acme-bert", **own},
    ]
    check_plugins({"plugins": needed("acme", folder)}, folder)


def test_a_model_whose_package_is_missing_names_it(tmp_path):
    with pytest.raises(
        ModelFileError, match=r"needs the head 'far-head', which the package far-away .*pip install far-away"
    ):
        check_plugins({"plugins": [PART]}, tmp_path)


@pytest.mark.parametrize(
    "found",
    [
        "far-away",
        ["far-away"],
        [{**PART, "kind": "shell"}],
        [{**PART, "package": "x; rm -rf ~"}],
        [{**PART, "package": "--index-url=evil"}],
        [{**PART, "version": 2}],
        [{"kind": "head"}],
    ],
)
def test_a_damaged_list_is_refused_and_never_told_as_a_command(found, tmp_path):
    with pytest.raises(ModelFileError, match=r"config\.json is damaged: 'plugins'"):
        check_plugins({"plugins": found}, tmp_path)
