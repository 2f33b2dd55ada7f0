"""Score a trained model, inside the process of its run: one confusion matrix an image, everything else from these."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner, set_random_seed
from torch import nn

from bench import amounts, checkpoints, compose, store
from bench.measure import accuracy, detail, latency
from bench.running import attention, curve, panels, precise_bn, weights
from bench.running.attempt import Attempt
from bench.running.counting import Counting
from bench.running.training import Trained
from custom_ops.metrics import ConfusionMetric

PANELS = 4


def score(attempt: Attempt, trained: Trained) -> dict[str, Any]:
    """Score the last weights on the test split and, without augmentation, on the train split.

    Returns:
        The blocks ``metrics``, ``train_metrics``, ``validation``, ``selection`` and, beside the last weights' scores
        and never in their place: where the protocol selects an epoch, ``selected``, those of the best validated one;
        where batch norm was trained, ``precise_bn``, those with its statistics estimated anew.
    """
    model = trained.runner.model.eval()
    classes = attempt.job.dataset.classes
    attempt.enter('score test')
    names, matrices, counts = _confusions(attempt, model, trained.runner.test_dataloader, in_detail=True)
    attempt.enter('score train')
    train_names, train_matrices, _ = _confusions(attempt, model, _train_loader(attempt, trained.runner), False)
    arrays: dict[str, Any] = {
        'test': matrices,
        'test_names': names,
        'train': train_matrices,
        'train_names': train_names,
        **_last_validation(trained.runner),
        **counts,
    }
    blocks = {
        'metrics': accuracy.scores(matrices, classes),
        'train_metrics': accuracy.scores(train_matrices, classes),
        'validation': validation(attempt),
        'selection': {'checkpoint': 'last', 'split': None},
        **detail.summarise(counts, classes),
    }
    if trained.best is not None and attempt.protocol.select is not None:
        attempt.enter('score the selected epoch')
        arrays['selected'], blocks['selected'] = _selected(attempt, trained, trained.best)
    if trained.blocks['train'] is not None and attempt.job.rule.name != 'smoke':
        arrays |= _with_precise_bn(attempt, trained.runner, blocks)
    part = attempt.folder / f'{store.MATRICES}.part'
    with part.open('wb') as out:
        np.savez_compressed(out, **arrays)
    part.replace(attempt.folder / store.MATRICES)
    return blocks


def _last_validation(runner: Runner) -> dict[str, Any]:
    """Return ``val`` and ``val_names``, as for the other splits, of the training's last validation.

    Nothing where none was asked for, or where it took place in a process that has ended.
    """
    loop = runner.val_loop
    found = [one for one in (loop.evaluator.metrics if loop else ()) if isinstance(one, ConfusionMetric) and one.names]
    return (
        {'val': found[0].matrices, 'val_names': np.array([Path(name).stem for name in found[0].names])} if found else {}
    )


def validation(attempt: Attempt) -> dict[str, Any]:
    """Return ``split``, ``best_miou``, ``best_step`` and ``last_miou`` of the validations on the run's own data set."""
    dataset = attempt.job.dataset
    split = compose.validation_split(attempt.protocol, dataset)
    block: dict[str, Any] = {'split': split, 'best_miou': None, 'best_step': None, 'last_miou': None}
    file = attempt.folder / 'curves.csv'
    if attempt.protocol.stages and file.exists():
        found = curve.validations(curve.read(file), dataset.name)
        if found:
            # The first of equals, whose weights are those that are kept.
            block['best_miou'], block['best_step'] = max(found, key=lambda one: one[0])
            block['last_miou'] = found[-1][0]
    return block


def _selected(attempt: Attempt, trained: Trained, file: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Score the best validated weights; the model has the last ones again afterwards."""
    model, dataset = trained.runner.model, attempt.job.dataset
    last = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    meta = torch.load(file, map_location='cpu', weights_only=True)['meta']
    weights.load(model, checkpoints.read(file).state)
    _, matrices, _ = _confusions(attempt, model, trained.runner.test_dataloader, in_detail=False)
    model.load_state_dict(last)
    split = compose.validation_split(attempt.protocol, dataset)
    block = {
        'split': split,
        'on_test': split == dataset.test_split,
        'validated_miou': meta['miou'],
        'iteration': meta['iter'],
        'metrics': accuracy.scores(matrices, dataset.classes),
    }
    return matrices, block


def _with_precise_bn(attempt: Attempt, runner: Runner, blocks: dict[str, Any]) -> dict[str, np.ndarray]:
    """Add the block ``precise_bn`` to ``blocks`` and return its matrices; nothing where no batch norm was trained.

    The model has its own statistics again afterwards.
    """
    model, dataset = runner.model, attempt.job.dataset
    layers = precise_bn.layers_of(model)
    model.eval()
    if not layers:
        return {}
    attempt.enter('score with precise batch norm')
    own = {name: buffer.clone() for name, buffer in model.named_buffers()}
    # Whatever was computed in this process before, an interrupted run gets the same batches.
    run = attempt.job.run
    set_random_seed(run.seed)
    precise_bn.estimate(
        model,
        Runner.build_dataloader(runner.cfg.train_dataloader),
        context=lambda: latency.precision_context(run.device, run.precision),
    )
    _, matrices, _ = _confusions(attempt, model, runner.test_dataloader, in_detail=False)
    for name, buffer in model.named_buffers():
        buffer.copy_(own[name])
    blocks['precise_bn'] = {
        'images': amounts.PRECISE_BN_IMAGES,
        'layers': len(layers),
        'metrics': accuracy.scores(matrices, dataset.classes),
    }
    return {'precise_bn': matrices}


def _train_loader(attempt: Attempt, runner: Runner) -> Any:
    config = runner.cfg.test_dataloader.copy()
    config.dataset = config.dataset.copy()
    config.dataset.ann_file = str(attempt.job.pair_lists['train'])
    images = len(attempt.job.dataset.splits['train'])
    config.dataset.indices = amounts.spread(attempt.job.rule.scored_train_images, images)
    return Runner.build_dataloader(config)


def _confusions(
    attempt: Attempt, model: nn.Module, loader: Any, in_detail: bool
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return image names [N] and int64 confusion matrices [N, K, K] of every image of ``loader``.

    ``in_detail`` writes panels of some and returns, third, what ``detail.image_counts`` counts of each; {} without.
    """
    job, dataset = attempt.job, attempt.job.dataset
    total = len(loader.dataset)
    chosen = set(np.linspace(0, total - 1, min(PANELS, total)).astype(int).tolist()) if in_detail else set()
    names: list[str] = []
    counted = Counting(job.run.device, len(dataset.classes), dataset.ignore_index, in_detail)
    for batch in loader:
        attempt.check('while scoring')
        with torch.inference_mode(), latency.precision_context(job.run.device, job.run.precision):
            samples = model.test_step(batch)
        for index, sample in enumerate(samples):
            # A head of one output gives its two classes as 0.0 and 1.0.
            prediction = sample.pred_sem_seg.data[0].long()
            truth = sample.gt_sem_seg.data[0].to(prediction.device)
            counted.add(prediction, truth)
            if len(names) in chosen:
                panels.write(attempt.folder / 'panels', sample.img_path, truth, prediction, dataset)
                attention.write(attempt.folder / 'panels', model, batch, index, sample)
            names.append(Path(sample.img_path).stem)
        attempt.report({'kind': 'score', 'image': len(names), 'of': total})
    return np.array(names), *counted.finish()
