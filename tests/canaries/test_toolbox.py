"""Known answers of the toolbox, right and wrong ones, that the meaning of our numbers leans on.

A failure here after an upgrade is no bug of ours: the toolbox has changed, and what is said about it must follow.
"""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import mmseg
import numpy as np
import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmseg.evaluation.metrics import IoUMetric
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from custom_ops.metrics.confusion import confusion_matrix


class OneImage(list):
    """What the script below asks of a data set."""

    ignore_index, reduce_zero_label = 255, False


def mmsegs_confusion(label, prediction, num_classes):
    """Run the function of mmseg's own analysis script on one image."""
    path = Path(mmseg.__file__).parent / '.mim/tools/analysis_tools/confusion_matrix.py'
    spec = importlib.util.spec_from_file_location('mmseg_confusion_script', path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    truth = SimpleNamespace(gt_sem_seg=SimpleNamespace(data=torch.from_numpy(label)))
    data_set = OneImage([{'data_samples': truth}])
    data_set.METAINFO = {'classes': range(num_classes)}
    return script.calculate_confusion_matrix(data_set, [prediction])


@pytest.mark.parametrize(('num_classes', 'right'), [(16, True), (17, False), (19, False)])
def test_mmsegs_confusion_script_is_wrong_from_17_classes_up(num_classes, right):
    """It computes K * truth + prediction in 8 bits: at 16 classes that just fits, at 17 rows are mixed up."""
    label = np.full((4, 4), num_classes - 1, np.uint8)
    prediction = label.astype(np.int64)
    ours = confusion_matrix(torch.from_numpy(prediction), torch.from_numpy(label), num_classes)
    assert ours[-1, -1] == 16
    assert bool(mmsegs_confusion(label, prediction, num_classes)[-1, -1] == 16) == right


def test_mmsegs_iou_metric_rounds_its_means_and_keeps_its_classes_to_itself():
    """One of three pixels right: IoU 1/3 and 0; class 2 is in neither map and left out."""
    metric = IoUMetric()
    metric.dataset_meta = {'classes': ('a', 'b', 'c')}
    label, prediction = torch.tensor([[0, 0, 0, 255]]), torch.tensor([[0, 1, 1, 1]])
    metric.process({}, [{'pred_sem_seg': {'data': prediction[None]}, 'gt_sem_seg': {'data': label[None]}}])
    found = metric.evaluate(1)
    assert found == {'aAcc': pytest.approx(33.33), 'mIoU': pytest.approx(16.67), 'mAcc': pytest.approx(33.33)}
    assert float(found['mIoU']) != pytest.approx(100 / 6, abs=1e-3)


def test_one_flop_is_a_multiply_add_to_mmengine_and_half_of_one_to_pytorch():
    layer, macs = nn.Conv2d(3, 8, 3, padding=1, bias=False), 3 * 8 * 9 * 10 * 12
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, 3, 10, 12))
    assert counter.get_total_flops() == 2 * macs
    assert get_model_complexity_info(layer, (3, 10, 12), show_table=False, show_arch=False)['flops'] == macs
