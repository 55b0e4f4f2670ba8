"""What happens around the steps: progress for whoever listens, epochs for the head, Ctrl-C without loss."""

import math
import signal
import threading
import time
from types import FrameType
from typing import Any, NoReturn

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from textaxa.errors import TextaxaError
from textaxa.training._start import Listener
from textaxa.training._together import ALONE, Together


class Progress(TrainerCallback):
    """Tells the listener how far training is, and the training step too (scheduled feeding reads it)."""

    def __init__(self, listener: Listener | None) -> None:
        self.listener = listener
        self.began = 0.0
        self.first_step = 0

    def _tell(self, event: str, **values: Any) -> None:
        if self.listener is not None:
            self.listener({"event": event, **values})

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        del control, kwargs
        self.began, self.first_step = time.monotonic(), state.global_step
        self._tell("start", step=state.global_step, steps=state.max_steps, epochs=math.ceil(args.num_train_epochs))

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let the training step know how far training is."""
        del args, control
        kwargs["model"].progress = state.global_step / max(1, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Report loss and time left."""
        del args, control, kwargs
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        loss = float(loss)
        if not math.isfinite(loss):
            raise TextaxaError(
                f"Training diverged: the loss is {loss} at step {state.global_step}. "
                "Use smaller learning rates (encoder_rate, head_rate), or precision = fp32."
            )
        done = state.global_step - self.first_step
        left = (time.monotonic() - self.began) / max(1, done) * (state.max_steps - state.global_step)
        epoch = round(state.epoch or 0.0, 3)
        self._tell("step", step=state.global_step, steps=state.max_steps, epoch=epoch, loss=loss, seconds_left=left)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        """Report the validation scores of an epoch."""
        del args, control, kwargs
        scores = {name.removeprefix("eval_"): value for name, value in metrics.items()}
        self._tell("validation", step=state.global_step, epoch=round(state.epoch or 0.0, 3), **scores)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report the end."""
        del args, control, kwargs
        self._tell("end", step=state.global_step, seconds=time.monotonic() - self.began)


class HeadEpochs(TrainerCallback):
    """Tells when an epoch is over (dynamic level weights and label vectors change then)."""

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Pass it on."""
        del args, state, control
        kwargs["model"].end_epoch()


class TimeBudget(TrainerCallback, ExportableState):
    """Ends training when its time is over; the epoch that was cut short is validated like any other.

    What was spent is kept in checkpoints, so that a resumed run goes on with what is left.

    Attributes
    ----------
    over : bool
        Whether the time was over before training was.
    """

    def __init__(self, seconds: float, began: float | None = None) -> None:
        self.seconds = seconds
        self.began = time.monotonic() if began is None else began
        self.spent_before = 0.0
        self.over = False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Ask for the end."""
        del args
        # The processes are asked of the model: a resumed run makes this object anew, from its seconds alone.
        together: Together = kwargs["model"].together
        if together.any(self._spent() >= self.seconds) and state.global_step < state.max_steps:
            self.over = control.should_training_stop = True
        return control

    def _spent(self) -> float:
        return self.spent_before + time.monotonic() - self.began

    def state(self) -> dict[str, Any]:
        """Give what a checkpoint keeps."""
        return {"args": {"seconds": self.seconds}, "attributes": {"spent_before": self._spent(), "over": self.over}}


class Interrupt(TrainerCallback):
    """Turns Ctrl-C and SIGTERM into a checkpoint at the next step, then KeyboardInterrupt; a second one stops at once.

    Only the main thread can listen to signals; in another thread this does nothing. Of several processes, all stop at
    the same step. Their launcher sends a signal of its own on top of a Ctrl-C, so there a second one changes nothing;
    it kills those that take longer than its patience.
    """

    def __init__(self, together: Together = ALONE) -> None:
        self.together = together
        self.wanted = self.agreed = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.wanted and self.together.world == 1:
            self._stop(number, frame)
        self.wanted = number

    def _stop(self, number: int, frame: FrameType | None) -> NoReturn:
        """Stop as whoever listened before would have it (the command line keeps its exit status there)."""
        before = self._before.get(number)
        if callable(before):
            before(number, frame)
        raise KeyboardInterrupt

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Ask for a checkpoint."""
        del args, state, kwargs
        self.agreed = self.together.most(self.wanted)
        if self.agreed:
            control.should_save = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop now that the checkpoint is whole: nothing else of the loop runs, so resuming sees this step's state."""
        del args, state, control, kwargs
        wanted = self.agreed or (self.wanted if self.together.world == 1 else 0)
        if wanted:
            self.together.wait()  # or the first to leave would make the launcher end the one that still writes
            self._stop(wanted, None)
