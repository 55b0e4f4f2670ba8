"""From the recipe to what the hardware and the Hugging Face Trainer are told: device, precision, arguments."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from textaxa.settings import TrainingSettings
from textaxa.training._tracking import TrackedArguments


def device_of(recipe: TrainingSettings) -> str:
    """Give the device that trains: a GPU where there is one and it is not refused."""
    if recipe.device == "cpu" or not torch.accelerator.is_available():
        return "cpu"
    return str(torch.accelerator.current_accelerator())


def precision_of(recipe: TrainingSettings) -> str:
    """Resolve ``auto``: bf16 where the hardware multiplies matrices in it, fp16 on other GPUs, else fp32.

    A CPU without matrix instructions for bf16 (AMX) runs it 8 to 10 times slower than fp32; one that has them, several
    times faster.
    """
    if recipe.precision != "auto":
        return recipe.precision
    if device_of(recipe) == "cpu":
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return "bf16" if capabilities.get("amx_bf16") else "fp32"
    if not torch.cuda.is_available():
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def autocast(recipe: TrainingSettings) -> AbstractContextManager[Any]:
    """Give the context in which matrices are multiplied as in training."""
    precision = precision_of(recipe)
    if precision == "fp32":
        return nullcontext()
    kind = torch.device(device_of(recipe)).type
    return torch.autocast(kind, dtype=torch.bfloat16 if precision == "bf16" else torch.float16)


def trainer_arguments(
    recipe: TrainingSettings,
    folder: Path,
    *,
    rows: int,
    validated: bool,
    world: int = 1,
    report_to: Sequence[str] = (),
) -> TrackedArguments:
    """Give the Trainer's arguments for a recipe over so many rows, trained by so many processes."""
    precision = precision_of(recipe)
    on_cpu = device_of(recipe) == "cpu"
    updates = math.ceil(rows / (recipe.batch_size or 1) / recipe.gradient_accumulation)
    return TrackedArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs or 1,
        per_device_train_batch_size=math.ceil((recipe.batch_size or 1) / world),  # one batch of the run, divided
        gradient_accumulation_steps=recipe.gradient_accumulation,
        warmup_steps=max(1, round(recipe.warmup_share * updates * (recipe.epochs or 1))),
        max_grad_norm=recipe.max_gradient_norm,
        seed=recipe.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        eval_strategy="epoch" if validated else "no",
        save_strategy="epoch",
        save_total_limit=None,  # it would go by times of change; `HierarchyTrainer` removes old ones by their step
        load_best_model_at_end=validated,
        metric_for_best_model="hierarchical_f1" if validated else None,
        greater_is_better=True if validated else None,
        logging_steps=max(1, updates // 50),
        logging_nan_inf_filter=False,
        restore_callback_states_from_checkpoint=True,  # early stopping goes on counting
        remove_unused_columns=False,
        ddp_broadcast_buffers=False,  # they are made the same once; those that change are averaged
        disable_tqdm=True,
        report_to=list(report_to) or "none",
    )
