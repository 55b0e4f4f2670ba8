"""TextRCNN, the text encoder of HiAGM: static word vectors, a bidirectional GRU, and the strongest n-grams."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.encoders._asked import UNREADABLE
from textaxa.encoders._bigru import BiGRU
from textaxa.encoders._dropout import dropped
from textaxa.encoders._encoder import Encoder
from textaxa.encoders._tokens import TextTokeniser, TokenStates
from textaxa.encoders._word_vectors import SPECIAL, WordTokenizer, WordVectors, packaged_glove, read_word_vectors
from textaxa.errors import ConfigError
from textaxa.settings import EncoderSettings

MODEL_TYPE = "textaxa-textrcnn"

_LARGEST_K = 100
"""Of the largest values that are kept a channel; the paper keeps one, and no weight's shape depends on it."""


@dataclass(frozen=True)
class TextRCNNShape:
    """The sizes of the paper."""

    hidden: int = 64
    ngrams: tuple[int, ...] = (2, 3, 4)
    channels: int = 100
    top_k: int = 1
    word_dropout: float = 0.5
    state_dropout: float = 0.1


class TextRCNN(Encoder):
    """Words → vectors → BiGRU → n-grams of 2, 3 and 4 states, 100 channels each → the top k of every channel.

    The word vectors stay as they are; all else is learned from the training rows, and starts from nothing.

    Source: HiAGM (Zhou et al., ACL 2020), after Lai et al. (AAAI 2015). Behind the end of a text there are
    no n-grams; in the released code padding has some. Dropout of word vectors is drawn once a word and batch.

    Attributes
    ----------
    width : int
        Features of a text vector: n-gram sizes × k × channels, 300 in the paper.
    state_width : int
        Channels, 100. The states of a text are its strongest n-grams, n-gram sizes × k of them.
    untrained : bool
        Whether it starts from nothing: the recipe then gives it a larger rate and more epochs.
    """

    vectors: torch.Tensor

    def __init__(
        self, words: WordVectors, settings: EncoderSettings, shape: TextRCNNShape, *, untrained: bool = True
    ) -> None:
        super().__init__()
        self.untrained = untrained
        self.shape = shape
        self.settings = replace(settings, pooling="max") if settings.pooling == "auto" else settings
        self.tokenise = TextTokeniser(WordTokenizer(words.words), self.settings)
        self.width = len(shape.ngrams) * shape.top_k * shape.channels
        self.state_width = shape.channels
        features = words.vectors.shape[1]
        self.register_buffer("vectors", torch.from_numpy(words.vectors))
        self.unknown = nn.Parameter(torch.zeros(1, features))
        self.gru = BiGRU(features, shape.hidden)
        self.ngrams = NGrams(2 * shape.hidden, shape.ngrams, shape.channels, shape.top_k)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> torch.Tensor:
        """Encode pieces (W, L) of B texts to text vectors (B, D); the vectors of a text's windows are averaged."""
        pieces = self._pooled(input_ids, attention_mask).states.flatten(1)
        per_text = torch.bincount(text_of)
        if len(per_text) == len(pieces):
            return pieces
        sums = pieces.new_zeros(len(per_text), pieces.shape[1]).index_add_(0, text_of, pieces)
        return sums / per_text[:, None]

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> TokenStates:
        """Give the strongest n-grams of B texts, (B, K, channels) with a mask (B, K); windows follow each other."""
        pooled = self._pooled(input_ids, attention_mask)
        per_text = torch.bincount(text_of)
        if len(per_text) == len(input_ids):
            return pooled
        pad = nn.utils.rnn.pad_sequence
        states, mask = ([part.flatten(0, 1) for part in of.split(per_text.tolist())] for of in pooled)
        return TokenStates(pad(states, batch_first=True), pad(mask, batch_first=True))

    def _pooled(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> TokenStates:
        """Read word ids (W, L): the strongest n-grams (W, K, channels) and which of them are real (W, K)."""
        lengths = attention_mask.sum(1)
        found, words = torch.unique(input_ids.T, return_inverse=True)
        vectors = dropped(self._vectors_of(found), self.shape.word_dropout, training=self.training)
        states = self.gru(vectors, words, lengths)
        states = dropped(states, self.shape.state_dropout, training=self.training)
        return TokenStates(*self.ngrams(states, lengths))

    def _vectors_of(self, words: torch.Tensor) -> torch.Tensor:
        """Give the vectors (U, features) of ascending word ids (U,): 0 for padding, a learned one for unknown words."""
        n_special = int((words < len(SPECIAL)).sum())
        special = torch.cat([torch.zeros_like(self.unknown), self.unknown])[words[:n_special]]
        return torch.cat([special, F.embedding(words[n_special:] - len(SPECIAL), self.vectors)])

    def freeze_below(self, trainable_layers: int) -> None:
        """Refuse: there are no layers of which a part could stay as it is.

        Raises
        ------
        ConfigError
            Always.
        """
        raise ConfigError(
            f"trainable_layers = {trainable_layers} cannot be used with textrcnn: its word vectors are never trained, "
            "and the one layer above them starts from nothing. Leave trainable_layers empty."
        )

    def save(self, folder: Path) -> None:
        """Write config.json, vocabulary.json and model.safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model_type": MODEL_TYPE, **asdict(self.shape)}
        _write_json(folder / "config.json", config)
        _write_json(folder / "vocabulary.json", self.tokenise.tokenizer.words)
        state = {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}
        save_file(state, folder / "model.safetensors")


class NGrams(nn.Module):
    """Convolutions over n neighbouring states for several n, ReLU, and the k largest values of every channel of a text.

    Only the largest are needed and only they have a gradient. So the convolutions over all places run without one, to
    find the places, and the values there are computed again, with it: the same numbers for a third of the work.
    """

    def __init__(self, width: int, sizes: tuple[int, ...], channels: int, top_k: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.top_k = top_k
        bounds = [(width * n) ** -0.5 for n in sizes]
        self.weights = nn.ParameterList(
            torch.empty(channels, n, width).uniform_(-bound, bound) for n, bound in zip(sizes, bounds, strict=True)
        )
        self.biases = nn.ParameterList(torch.empty(channels).uniform_(-bound, bound) for bound in bounds)

    def forward(self, states: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Read states (L, B, D), zero behind the ends: values (B, sizes × k, channels), and which are real.

        Half of an n-gram may lie before the beginning or behind the end, as in a convolution padded by n // 2.
        """
        margin = max(self.sizes) // 2
        padded = F.pad(states, (0, 0, 0, 0, margin, margin + max(0, self.top_k - len(states))))
        size = states.shape[1]
        rows, real = [], []
        for n, weight in zip(self.sizes, self.weights, strict=True):
            first = margin - n // 2
            places = lengths + 2 * (n // 2) - n + 1
            top = first + self._places(padded[first : len(padded) - first], places, weight)
            step = torch.arange(max(n, self.top_k, size), device=top.device)
            rows.append((top.permute(2, 0, 1)[..., None] + step[:n]) * size + step[:size, None])
            real.append(step[: self.top_k] < places[:, None])
        values = self._values(padded.flatten(0, 1), rows)
        mask = torch.cat(real, dim=1)
        return torch.cat(values, dim=1).permute(2, 1, 0) * mask[..., None], mask

    @torch.no_grad()
    def _places(self, padded: torch.Tensor, places: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Find where the k largest values of every channel begin, int64 (k, B, channels)."""
        n = weight.shape[1]
        count = len(padded) - n + 1
        values = F.linear(padded[:count], weight[:, 0])
        for i in range(1, n):
            values += F.linear(padded[i : i + count], weight[:, i])
        behind = torch.arange(count, device=places.device)[:, None] >= places
        values.masked_fill_(behind[..., None], -torch.inf)
        if self.top_k == 1:
            return values.max(0, keepdim=True).indices
        return values.topk(self.top_k, dim=0).indices

    def _values(self, states: torch.Tensor, rows: list[torch.Tensor]) -> list[torch.Tensor]:
        """Compute what the n-grams at rows (channels, k, B, n) of the states are worth, (channels, k, B) for each n."""
        windows = F.embedding(torch.cat([index.flatten() for index in rows]), states)
        values = []
        for window, index, weight, bias in zip(
            windows.split([index.numel() for index in rows]), rows, self.weights, self.biases, strict=True
        ):
            channels = len(weight)
            found = torch.bmm(window.view(channels, -1, weight[0].numel()), weight.view(channels, -1, 1))
            values.append(torch.relu(found + bias[:, None, None]).view(index.shape[:3]))
        return values


def load_textrcnn(settings: EncoderSettings, name: str) -> TextRCNN:
    """Load TextRCNN: untrained by ``textrcnn`` or ``textrcnn:PATH`` (a file of word vectors), trained from a folder.

    Raises
    ------
    MissingExtraError
        The packaged word vectors are asked for and not installed.
    ConfigError
        The file or folder cannot be read, or an untrained encoder is to be frozen.
    """
    if Path(name).is_dir():
        return _trained(settings, Path(name))
    if settings.frozen:
        raise ConfigError("frozen = true cannot be used with textrcnn: it starts from nothing and has to be trained.")
    _, _, path = name.partition(":")
    words = read_word_vectors(Path(path).expanduser()) if path else packaged_glove()
    return TextRCNN(words, settings, TextRCNNShape())


def _trained(settings: EncoderSettings, folder: Path) -> TextRCNN:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        words = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        state = load_file(folder / "model.safetensors")
        config.pop("model_type")
        shape = TextRCNNShape(**{**config, "ngrams": tuple(config["ngrams"])})
        known = WordVectors(words, state["vectors"].numpy())
        _check_trained(shape, known, state)
        with torch.device("meta"):  # a shape that does not fit is refused before it takes memory
            TextRCNN(known, settings, shape).load_state_dict(state, assign=True)
        encoder = TextRCNN(known, settings, shape, untrained=False)
        encoder.load_state_dict(state)
    except UNREADABLE as error:
        raise ConfigError(f"The folder {str(folder)!r} does not hold a whole TextRCNN encoder: {error}") from error
    return encoder


def _check_trained(shape: TextRCNNShape, known: WordVectors, state: dict[str, torch.Tensor]) -> None:
    """Refuse sizes, words and weights that are none; whether they fit each other is PyTorch's affair."""
    sizes = (shape.hidden, shape.channels, shape.top_k, *shape.ngrams)
    if not shape.ngrams or not all(type(size) is int and size > 0 for size in sizes) or shape.top_k > _LARGEST_K:
        raise ValueError(f"config.json has the sizes {sizes!r}")
    for share in (shape.word_dropout, shape.state_dropout):
        if type(share) not in (float, int) or not 0 <= share < 1:
            raise ValueError(f"config.json has a dropout of {share!r}")
    if not isinstance(known.words, list) or not all(isinstance(word, str) for word in known.words):
        raise ValueError("vocabulary.json is no list of words")
    if known.vectors.ndim != 2 or len(known.vectors) != len(known.words):
        raise ValueError(f"{len(known.words):,} words have vectors of shape {known.vectors.shape}")
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"{name} holds values that are not finite")


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
