"""Take the losses of networks, and augment a batch, on a device that is not the processor and has shapes only.

Prints a line of JSON for each with what went wrong. A program, since torch takes such a device once a process; it
exits with 77 where this torch knows none.
"""

import contextlib
import json
import sys
import warnings
from functools import partial

import torch
from mmengine.structures import PixelData

DEVICE = 'npy'
"""The name that torch's own tests use."""
NETWORKS = (
    'deeplab_depth/resnet50', 'hierarchical_attention/two_stage', 'hierarchical_attention/explicit_attention',
    'hierarchical_attention/hrnet_ocr', 'hierarchical_attention/deeplabv3', 'kitti_ablation/baseline',
    'kitti_ablation/deeplabv3_mobilenetv3', 'kitti_ablation/enet', 'kitti_ablation/pspnet', 'kitti_ablation/unet_r18',
    'kitti_ablation/upernet_r50', 'squeeze_edge/dlse_hed', 'squeeze_edge/dlse__edge_loss', 'squeeze_edge/dlse_sf',
    'squeeze_edge/hed_edges', 'unet_phases/phase_3_bilinear', 'unet_phases/phase_7_4',
)  # fmt: skip
SIZE, BATCH, CLASSES = (128, 160), 2, 11

try:
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(DEVICE)
except ImportError as error:
    print(f'this torch has no device of shapes alone: {error}', file=sys.stderr)
    sys.exit(77)

with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
    warnings.simplefilter('ignore')
    from mmengine.registry import init_default_scope
    from mmseg.structures import SegDataSample

    from bench import compose, paths, worker  # noqa: F401
    from bench.measure import cost
    from custom_ops.datasets.collate import STACKED
    from custom_ops.hooks import QuickAccuracyHook
    from custom_ops.losses import class_balanced, rmi_checks, unread
    from custom_ops.preprocessors import BatchPreProcessor, batch_transforms


def autocast(device, *arguments, known=torch.autocast, **options):
    """No precision can be entered on a device of shapes."""
    return contextlib.nullcontext() if device == DEVICE else known(device, *arguments, **options)


def on_device(model):
    """Move a network of shapes to the device; to be called where tensors are shapes."""
    for module in model.modules():
        for name, one in module._parameters.items():
            if one is not None:
                moved = torch.empty(one.shape, dtype=one.dtype, device=DEVICE)
                module._parameters[name] = torch.nn.Parameter(moved, one.requires_grad)
        for name, one in module._buffers.items():
            if one is not None:
                module._buffers[name] = torch.empty(one.shape, dtype=one.dtype, device=DEVICE)


def sample():
    made = SegDataSample(metainfo={'img_shape': SIZE, 'ori_shape': SIZE, 'pad_shape': SIZE, 'padding_size': [0] * 4})
    made.gt_sem_seg = PixelData(data=torch.zeros(1, *SIZE, dtype=torch.long, device=DEVICE))
    return made


def losses(name):
    """Return the losses of one training step, after a prediction whose place is checked."""
    model = cost.build_on_meta(compose.model_for(compose.read_experiment(paths.configs_dir() / f'{name}.py').model, 11))
    unread.replace(model)
    # What one step leaves is looked at by the next, on a real device when it is known by then.
    for check in (rmi_checks.unread_values, class_balanced.unread_labels):
        check.forget()
    env = ShapeEnv(allow_scalar_outputs=False, allow_dynamic_output_shape_ops=False)
    with FakeTensorMode(shape_env=env, allow_non_fake_inputs=False), torch.no_grad():
        on_device(model)
        images, samples = torch.empty(BATCH, 3, *SIZE, device=DEVICE), [sample() for _ in range(BATCH)]
        logits = model.eval().inference(images, [one.metainfo for one in samples])
        assert logits.device.type == DEVICE, f'a prediction is on {logits.device}'
        return model.train().loss(images, samples)


def batch():
    """Return a batch that went through every batch transform and the normalisation."""
    steps = [{'type': name} for name in batch_transforms.BATCHED]
    env = ShapeEnv(allow_scalar_outputs=False, allow_dynamic_output_shape_ops=False)
    with FakeTensorMode(shape_env=env, allow_non_fake_inputs=False):
        made = BatchPreProcessor(augment=steps, mean=[1.0] * 3, std=[2.0] * 3, bgr_to_rgb=True)
        made.mean, made.std = (torch.empty(3, 1, 1, device=DEVICE) for _ in range(2))
        made._device = torch.device(DEVICE)
        data = {
            'inputs': torch.empty(BATCH, 3, *SIZE, dtype=torch.uint8),
            STACKED: torch.empty(BATCH, 1, *SIZE, dtype=torch.uint8),
            'data_samples': [SegDataSample() for _ in range(BATCH)],
        }
        found = made(data, training=True)
        return {'inputs': found['inputs'], 'labels': found['data_samples'][1].gt_sem_seg.data}


def problem(make):
    try:
        places = {key: str(value.device) for key, value in make().items() if isinstance(value, torch.Tensor)}
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return ', '.join(f'{key} is on {place}' for key, place in places.items() if not place.startswith(DEVICE))


def main():
    warnings.simplefilter('ignore')
    init_default_scope('mmseg')
    torch.autocast = autocast
    QuickAccuracyHook().before_train(None)
    for name in NETWORKS:
        print(json.dumps({'what': name, 'problem': problem(partial(losses, name))}), flush=True)
    print(json.dumps({'what': 'augmented batch', 'problem': problem(batch)}), flush=True)


main()
