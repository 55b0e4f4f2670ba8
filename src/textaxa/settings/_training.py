"""Settings of the training recipe."""

from dataclasses import dataclass

from textaxa.settings._schema import Checked, setting


@dataclass(frozen=True)
class TrainingSettings(Checked):
    """How a model is trained. An empty value is chosen by whether the encoder is trained or frozen."""

    preset: str | None = setting(
        None,
        "How much of the encoder is trained. fast: the head alone (frozen). balanced: the top third of the layers, the "
        "ones below computed once (trainable_layers). best: all of it. A preset fills in only what is left empty. "
        "Empty: best; with a time budget, and where frozen, trainable_layers and epochs are empty, too, what fits.",
        choices=("fast", "balanced", "best"),
    )
    epochs: int | None = setting(
        None,
        "Passes over the training rows. Empty: 3; 5 where only top layers are trained; 30 with an encoder that is "
        "frozen, static or starts untrained (textrcnn).",
        at_least=1,
    )
    batch_size: int | None = setting(
        None, "Texts in one step on the device. Empty: 32, or 256 with a frozen encoder.", at_least=1
    )
    gradient_accumulation: int = setting(
        1, "Steps whose gradients are added before one update; a larger batch in the same memory.", at_least=1
    )
    encoder_rate: float | None = setting(
        None,
        "Learning rate of the encoder (AdamW). Empty: 1e-4 for small encoders (up to 512 features, such as MiniLM), "
        "3e-5 for wider ones, three times that where only top layers are trained; 1e-3 for one that is static or "
        "starts untrained (textrcnn).",
        at_least=0,
    )
    head_rate: float = setting(
        3e-3,
        "Learning rate of the head. It starts from nothing, so it needs a larger rate than the pre-trained encoder.",
        at_least=0,
    )
    weight_decay: float = setting(0.01, "Weight decay of AdamW; biases and norms are left out.", at_least=0)
    warmup_share: float = setting(
        0.1,
        "Share of the steps over which the rates rise from 0; they fall linearly to 0 after.",
        at_least=0,
        at_most=1,
    )
    max_gradient_norm: float = setting(1.0, "Gradients are scaled down to this norm; 0 leaves them.", at_least=0)
    valid_share: float = setting(
        0.1,
        "Share of the rows held out for validation where no validation table is given. 0 trains on every row, without "
        "early stopping.",
        at_least=0,
        at_most=0.9,
    )
    patience: int = setting(
        3,
        "Stop after this many epochs without a better hierarchical F1 on the validation rows; the best epoch is kept. "
        "0 never stops early.",
        at_least=0,
    )
    time_budget: float | None = setting(
        None,
        "Stop training after this many seconds; the best epoch until then is kept, the last one cut short counts too. "
        "A run that resumes goes on with what is left. Where nothing else is chosen (preset, epochs, frozen, "
        "trainable_layers), a few batches are timed first, and the best recipe that fits is taken. Where epochs are "
        "chosen, the learning rates fall as if all of them came. Empty: no limit.",
        at_least=0,
    )
    kept_gigabytes: float = setting(
        8.0,
        "With trainable_layers: what the layers below make of the texts is kept in a file beside the checkpoints if it "
        "is at most this large, and the disk has twice the room; else it is computed anew in every step. A token takes "
        "two bytes a feature, so a text of 256 tokens takes 0.2 MB with MiniLM. The file goes when training ends.",
        at_least=0,
    )
    threshold: float | str = setting(
        "level",
        "With several paths a text: from which probability on a node is an answer. global, level, node: chosen after "
        "training on the validation rows, one for all nodes, one a level (both for the hierarchical F1), or one a node "
        "(for the F1 of each node, which lifts rare ones); 0.5 where there are no validation rows. Or a number for all "
        "nodes: 0.5 is right where probabilities can be taken at their word and both kinds of mistake cost the same. "
        "Epochs are compared at 0.5.",
        choices=("global", "level", "node"),
        at_least=0.001,
        at_most=1,
    )
    calibration: str = setting(
        "auto",
        "How probabilities are calibrated on validation rows, after training: one of these, or auto, which takes the "
        "one of the lowest log loss in a cross-validation, and the simpler one where the difference is noise.",
        choices=("auto", "none", "temperature", "temperature-per-level", "vector", "isotonic", "venn-abers"),
    )
    promise_share: float = setting(
        0.5,
        "Share of the validation rows that choose nothing: neither epoch, nor calibration, nor thresholds. They are "
        "the evidence on which promises (--accuracy), prediction sets and the like rest. 0 makes none.",
        at_least=0,
        at_most=0.9,
    )
    precision: str = setting(
        "auto",
        "auto: bf16 on a GPU or CPU with matrix instructions for it, else fp16 on a GPU, else fp32. bf16 is slower "
        "than fp32 on CPUs without such instructions (AMX), so it is not chosen there.",
        choices=("auto", "fp32", "fp16", "bf16"),
    )
    device: str = setting("auto", "auto: a GPU where there is one; or cpu.", choices=("auto", "cpu"))
    seed: int = setting(
        0,
        "Seed of this run: split, order, dropout, initial head. Global random states are left as they were.",
        at_least=0,
        at_most=2**32 - 1,
    )
