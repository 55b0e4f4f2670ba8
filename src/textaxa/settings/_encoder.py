"""Settings of the encoder: which model reads the text, and how its token states become one vector."""

from dataclasses import dataclass

from textaxa.settings._schema import Checked, setting


@dataclass(frozen=True)
class EncoderSettings(Checked):
    """How a text becomes a vector."""

    encoder: str | None = setting(
        None,
        "A Hugging Face model name or a local folder: a transformer, or static vectors of model2vec. Empty: the "
        "packaged all-MiniLM-L6-v2 (English), which works offline. static: token vectors made of it, once, in about a "
        "minute; they read thousands of texts a second. static:NAME makes them of another transformer. textrcnn: the "
        "text side of HiAGM, which starts from word vectors.",
    )
    pooling: str = setting(
        "auto",
        "How token states become one vector. auto: what the model's own pooling file says, else mean, which is the "
        "steadier choice for encoders that were not trained on their first token.",
        choices=("auto", "cls", "mean", "max"),
    )
    max_length: int = setting(
        256,
        "Longest piece of text in tokens. 256 covers most descriptions; 512 costs 1.1 times as much on mixed texts, "
        "128 a third less.",
        at_least=8,
        at_most=100_000,
    )
    long_text: str = setting(
        "head",
        "What to read of a text over max_length. head: its beginning; head+tail: its beginning and its end, half and "
        "half; windows: overlapping pieces over the whole text, their vectors averaged.",
        choices=("head", "head+tail", "windows"),
    )
    max_windows: int = setting(
        8,
        "With long_text = windows: at most this many pieces, spread evenly over the text; bounds time and memory.",
        at_least=1,
    )
    frozen: bool | None = setting(
        None,
        "Leave the encoder as it is: every text is encoded once, and only the head is trained. Seconds instead of "
        "minutes, for a few points of accuracy. Empty: as the preset says, or a time budget needs; else no.",
    )
    trainable_layers: int | None = setting(
        None,
        "Train only this many top layers of the encoder. The rest and the token embeddings stay as they are, without "
        "dropout, and what they make of the texts is computed once and kept on disk (kept_gigabytes). "
        "Empty: as the preset says, or a time budget needs; else all of it.",
        at_least=1,
    )
