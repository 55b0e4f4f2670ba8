"""The decoders by name, for settings and the command line: what each is, and one function that runs any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from numpy.typing import ArrayLike

from textaxa._plugins import find_plugin, load_plugin, plugins, refuse
from textaxa._suggest import did_you_mean
from textaxa.decoding._costs import Costs
from textaxa.decoding._greedy import greedy_paths
from textaxa.decoding._hf_beta import hf_beta_paths
from textaxa.decoding._min_risk import min_risk_paths
from textaxa.decoding._paths import decode_multi, top_paths
from textaxa.decoding._prediction import Prediction
from textaxa.decoding._thresholds import FIXED
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class Decoder:
    """A way from ``node_proba`` to predictions.

    Attributes
    ----------
    what
        What it gives, in one line.
    takes
        The options of `decode` that it takes.
    run
        Called with the taxonomy, ``node_proba`` and these options by name.
    """

    what: str
    takes: tuple[str, ...]
    run: Callable[..., list[list[Prediction]]]


def _thresholded(taxonomy: Taxonomy, node_proba: ArrayLike, *, threshold: ArrayLike | None) -> list[list[Prediction]]:
    return decode_multi(taxonomy, node_proba, FIXED if threshold is None else threshold)


DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {
        "most-probable": Decoder(
            "the most probable path, or the several most probable ones",
            ("top",),
            lambda taxonomy, node_proba, *, top: top_paths(taxonomy, node_proba, top),
        ),
        "hf-beta": Decoder(
            "the path with the best expected hierarchical F, which may end early", ("beta",), hf_beta_paths
        ),
        "min-risk": Decoder("the path with the lowest expected cost, which may end early", ("costs",), min_risk_paths),
        "greedy": Decoder("from the top down, the most probable child at every node", ("threshold",), greedy_paths),
        "threshold": Decoder(
            "every deepest node from a threshold on: several paths a text", ("threshold",), _thresholded
        ),
    }
)
"""The decoders by name. Those of other packages come besides: `known_decoders`."""

_OPTIONS = ("top", "beta", "costs", "threshold")


def known_decoders() -> tuple[str, ...]:
    """Name every decoder: those of textaxa, then those that other installed packages bring."""
    return (*DECODERS, *sorted({plugin.name for plugin in plugins("decoder")} - DECODERS.keys()))


def find_decoder(name: str) -> Decoder:
    """Give the decoder of a name; one of another package is imported now.

    Raises
    ------
    ConfigError
        There is none of that name; or the package that brings it is broken.
    """
    if name in DECODERS:
        return DECODERS[name]
    plugin = find_plugin("decoder", name)
    if plugin is None:
        known = known_decoders()
        raise ConfigError(
            f"There is no decoder {name!r}.{did_you_mean(str(name), known)} Decoders: {', '.join(known)}."
        )
    found = load_plugin(plugin)
    if not isinstance(found, Decoder):
        raise refuse(plugin, f"{plugin.entry.value} is not a textaxa.decoding.Decoder")
    if odd := {*found.takes} - {*_OPTIONS}:
        raise refuse(plugin, f"it takes {', '.join(sorted(odd))}, but there are only {', '.join(_OPTIONS)}")
    return found


def decode(
    taxonomy: Taxonomy,
    node_proba: ArrayLike,
    decoder: str = "most-probable",
    *,
    top: int = 1,
    beta: float = 1.0,
    costs: Costs | ArrayLike | None = None,
    threshold: ArrayLike | None = None,
) -> list[list[Prediction]]:
    """Give the paths of every text by the decoder of a name.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N). All decoders but ``threshold`` are for single-path tasks.
    decoder
        One of `known_decoders`.
    top
        ``most-probable``: paths wanted.
    beta
        ``hf-beta``: how many times as much recall counts as precision.
    costs
        ``min-risk``: what wrong answers cost, as `read_costs` gives it, or a matrix (N, T). None: the tree distance.
    threshold
        ``greedy``, ``threshold``: from which probability on a node is an answer; one number, or one a node (N,).

    Returns
    -------
    One list of predictions a text, best first.

    Raises
    ------
    ConfigError
        The decoder is not known; an option is given that it does not take, or that cannot be used.
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> proba = [[0.6, 0.4, 0.3, 0.3]]
    >>> [decode(taxonomy, proba, name)[0][0].path for name in ("most-probable", "hf-beta", "min-risk")]
    [('Tools',), ('Games', 'Sports'), ('Games',)]
    """
    check_decoder(decoder, top=top, beta=beta, costs=costs, threshold=threshold)
    given = {"top": top, "beta": beta, "costs": costs, "threshold": threshold}
    chosen = find_decoder(decoder)
    return chosen.run(taxonomy, node_proba, **{option: given[option] for option in chosen.takes})


def check_decoder(
    decoder: str, *, top: int = 1, beta: float = 1.0, costs: Any = None, threshold: ArrayLike | None = None
) -> None:
    """Refuse a decoder that is not known, and options that it does not take.

    Raises
    ------
    ConfigError
        With the nearest name, or the decoders that take the option.
    """
    chosen = find_decoder(decoder)
    given = {"top": top != 1, "beta": beta != 1, "costs": costs is not None, "threshold": threshold is not None}
    for option, is_given in given.items():
        takers = [name for name, known in DECODERS.items() if option in known.takes]
        if is_given and option not in chosen.takes:
            raise ConfigError(
                f"{option} is given, but the decoder {decoder!r} does not take it. Choose the decoder "
                f"{' or '.join(takers)}, or leave {option} out."
            )
