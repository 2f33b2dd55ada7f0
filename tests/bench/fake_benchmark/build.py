"""Write a tiny benchmark (configs and documented rows) and a tiny data set, in the real layouts."""

import cv2
import numpy as np

CONFIG = """
custom_imports = dict(imports=['faulty_networks'], allow_failed_imports=False)
norm = dict(mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4], bgr_to_rgb=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1, pad_val=0, seg_pad_val=255, **norm),
    backbone=dict(type='FaultyNet', num_classes=5, fault={fault!r}),
    decode_head=dict(type='LogitsHead', num_classes=5, loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
optimizer = dict(type='Adam', lr=0.01)
protocol = dict(
    dataset='folder', documented_images=8, samples_per_image=1, num_classes=5, epochs={epochs}, batch_size=2,
    train_view=dict(kind='whole', size=(64, 80)), test_view=dict(kind='native'), stride=1, augment=[],
    schedule=[dict(kind='poly', power=0.9)], weights=None,
    cost=dict(input_shape=(3, 64, 80), count_auxiliary=False), {extra})
"""

HEAD = """slug: fake
title: A made-up report
data_set: rectangles
evaluated_on: all of them
miou_convention: pooled
cost_convention: multiply-adds
nearest_score: miou
experiments:
"""

ROW = """
  fake/{name}:
    title: A convolution that fails by {fault}
    section: '1'
    provenance: R
    documented:
      - {{metric: miou, value: 50.0, unit: percent, source: made up for the tests}}
"""

CLASSES = ('road', 'wall', 'sky')


def write_benchmark(folder, faults, epochs=2.0, extra=None, parents=None):
    """Write one experiment ``fake/<name>`` for every entry of ``faults`` (name -> fault or None).

    ``extra`` adds keys to the protocol of some, as text, and ``parents`` lists what some start from, by name.
    """
    extra, parents = extra or {}, parents or {}
    (folder / 'configs' / 'fake').mkdir(parents=True)
    (folder / 'documented').mkdir()
    rows = ''
    for name, fault in faults.items():
        (folder / 'configs' / 'fake' / f'{name}.py').write_text(
            CONFIG.format(fault=fault, epochs=epochs, extra=extra.get(name, ''))
        )
        rows += ROW.format(name=name, fault=fault)
        if name in parents:
            rows += f'    parents: [{", ".join(f"fake/{one}" for one in parents[name])}]\n'
    (folder / 'documented' / 'fake.yaml').write_text(HEAD + rows)
    return folder


def write_images(root, splits=(('train', 8), ('val', 2), ('test', 4)), size=(64, 80)):
    """Write a learnable data set of three classes in the ``folder`` layout and return its class file."""
    rng = np.random.default_rng(0)
    height, width = size
    for split, count in splits:
        for kind in ('images', 'labels'):
            (root / kind / split).mkdir(parents=True)
        for index in range(count):
            label = np.zeros(size, np.uint8)
            label[: height // 3] = 2
            left = int(rng.integers(0, width // 2))
            label[height // 3 :, left : left + width // 3] = 1
            colours = np.array([[60, 60, 60], [40, 90, 160], [230, 180, 120]], np.float64)
            image = np.clip(colours[label] + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)
            label[-2:] = 255
            cv2.imwrite(str(root / 'images' / split / f'{index}.png'), image)
            cv2.imwrite(str(root / 'labels' / split / f'{index}.png'), label)
    (root / 'classes.txt').write_text('\n'.join(CLASSES) + '\n')
    return root / 'classes.txt'
