"""The configuration file: what is read, what is refused, and that flags win over it."""

import pytest

from textaxa.config import Config, DataSettings, TaxonomySettings, read_config
from textaxa.errors import ConfigError
from textaxa.heads import head_settings
from textaxa.settings import EncoderSettings, TrainingSettings


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "textaxa.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_nothing_given_is_the_defaults():
    config = read_config()
    assert config == Config(DataSettings(), TaxonomySettings(), EncoderSettings(), "chained", {}, TrainingSettings())


def test_every_section_is_read(written, tmp_path):
    config = read_config(
        written(
            """
            [data]
            table = "apps.csv"
            text = "text"
            labels = ["category", "subcategory"]
            [taxonomy]
            file = "taxonomy.csv"
            [encoder]
            max_length = 128
            [head]
            name = "cascade"
            hidden = 64
            [training]
            epochs = 7
            encoder_rate = 1
            """
        )
    )
    assert config.data.text == ("text",)
    assert config.data.table == str(tmp_path / "apps.csv"), "files are looked for from the configuration's folder"
    assert config.taxonomy.file == str(tmp_path / "taxonomy.csv")
    assert config.data.columns().labels == ("category", "subcategory")
    assert config.encoder.max_length == 128
    assert (config.head, config.head_settings.hidden) == ("cascade", 64)
    assert config.training.epochs == 7
    assert isinstance(config.training.encoder_rate, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trainning]\nepochs = 3", r"Unknown section \[trainning\].*Did you mean 'training'"),
        ("[training]\nepoch = 3", r"Unknown setting 'epoch' in \[training\] of .*textaxa.toml. Did you mean 'epochs'"),
        ("[data]\ntextt = 'a'", "Did you mean 'text'"),
        ("[head]\nname = 'chaned'", "Unknown head 'chaned'.*Did you mean 'chained'"),
        ("[head]\nname = 'flat'\nfeed = 'true'", r"Unknown setting 'feed' in \[head\] .*\(head 'flat'\)"),
        ("[head]\nfeed = 'sometimes'", r"In \[head\].*feed = 'sometimes' is not known.*true, masked, predicted"),
        ("[training]\nepochs = 0", r"In \[training\].*epochs = 0 is too small: it must be at least 1"),
        ("[training]\nepochs = 'three'", "epochs = 'three' is of the wrong kind"),
        ("[training]\nepochs = true", "of the wrong kind"),
        ("[encoder]\nmax_length = 1e99", "of the wrong kind"),
        ("[training]\nencoder_rate = nan", "not a finite number"),
        ("training = 3", "is a value, but training is a section"),
        ("epochs = 3", "Unknown section"),
        ("[training]\nseed = 4294967296", "seed = 4294967296 is too large"),
        ("[data]\ntext = apps", "is not TOML.*double quotes"),
    ],
)
def test_what_is_wrong_is_told(written, text, message):
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        _ = read_config(written(text)).head_settings  # those of the head are checked when they are asked for


def test_an_empty_value_is_one_that_is_not_given(written):
    text = "[data]\ntable = ''\nvalid = ''\ntemplate = ''\n[taxonomy]\nfile = ''\n[encoder]\nencoder = ''"
    assert read_config(written(text)) == Config()


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="textaxa init"):
        read_config(tmp_path / "none.toml")


def test_a_file_that_is_not_utf8_is_told(tmp_path):
    file = tmp_path / "latin.toml"
    file.write_bytes('[data]\ntext = "Bücher"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(file)


def test_flags_win_over_the_file_and_none_means_not_given(written):
    file = written("[training]\nepochs = 7\nseed = 3")
    config = read_config(file, {"training": {"epochs": 2, "seed": None}})
    assert (config.training.epochs, config.training.seed) == (2, 3)


def test_a_flag_for_the_labels_replaces_the_files_choice(written):
    file = written("[data]\nlabels = ['a', 'b']")
    config = read_config(file, {"data": {"path": "p"}})
    assert (config.data.path, config.data.labels) == ("p", ())


def test_another_head_by_flag_leaves_the_files_head_settings_behind(written):
    file = written("[head]\nname = 'chained'\nfeed = 'true'")
    assert read_config(file, {"head": {"name": "flat"}}).head_settings == head_settings("flat")()
    assert read_config(file, {"head": {"name": "chained"}}).head_settings.feed == "true"


def test_the_message_of_a_bad_flag_does_not_blame_a_file():
    with pytest.raises(ConfigError, match=r"^In \[training\]: epochs = -1 is too small"):
        read_config(None, {"training": {"epochs": -1}})
