"""SegNetwork under a rate that sweeps from 1e-6 to 1.

Source: kitti_ablation, section 2, figure 2.
Reading: the range is stated, how it was gone through is not; a table has four rates of it. Here the rate grows by a
constant factor a step, over twenty epochs, and no score is kept: the curve of the loss is the result.
Claims: none; it shows where the four rates of table 1 lie on that curve.

Command: python bench/run_all.py --only kitti_ablation/lr_range_test
"""

_base_ = ['baseline.py']

protocol = dict(
    epochs=20,
    stages=[dict(name='sweep', kind='lr_range', epochs=20, low=1e-6, high=1.0)],
    score=False)
