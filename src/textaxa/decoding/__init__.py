"""From ``node_proba`` to paths. Knows no model: what comes in is an array (B, N), what goes out are predictions."""

from textaxa.decoding._beam import BeamPaths, beam_paths, beam_search
from textaxa.decoding._conditional import Conditional, dense_conditional
from textaxa.decoding._costs import Costs, read_costs
from textaxa.decoding._decoders import DECODERS, Decoder, check_decoder, decode, find_decoder, known_decoders
from textaxa.decoding._greedy import greedy_paths
from textaxa.decoding._hf_beta import hf_beta_paths
from textaxa.decoding._min_risk import min_risk_paths
from textaxa.decoding._paths import decode_multi, top_paths
from textaxa.decoding._prediction import Prediction, PredictionMaker
from textaxa.decoding._proba import check_node_proba, terminal_proba
from textaxa.decoding._thresholds import FIXED, check_thresholds, choose_thresholds, fitted_thresholds

__all__ = [
    "DECODERS",
    "FIXED",
    "BeamPaths",
    "Conditional",
    "Costs",
    "Decoder",
    "Prediction",
    "PredictionMaker",
    "beam_paths",
    "beam_search",
    "check_decoder",
    "check_node_proba",
    "check_thresholds",
    "choose_thresholds",
    "decode",
    "decode_multi",
    "dense_conditional",
    "find_decoder",
    "fitted_thresholds",
    "greedy_paths",
    "hf_beta_paths",
    "known_decoders",
    "min_risk_paths",
    "read_costs",
    "terminal_proba",
    "top_paths",
]
