"""SegNetwork, trained from scratch: the reference of every other row of the report.

Source: kitti_ablation, section 1, tables 1 and 3; layers and training from the public course baseline.
Reading: BGR images with RGB statistics, no augmentation, no schedule, default initialisation.
Departure: the source keeps the best epoch after the hundredth on the test images; the harness names its own split.
Claims: K01, K02, K03, K04, K05, K06, K07, K10, K11, K18, K20, K21, K24, K25, K26, K30, K31, K32.

Command: python bench/run_all.py --only kitti_ablation/baseline
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]
