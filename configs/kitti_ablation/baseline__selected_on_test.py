"""SegNetwork as the baseline, and its best epoch after the hundredth, chosen on the very images that are scored.

Source: kitti_ablation, section 1, tables 1 and 3; the evaluation of the public course baseline.
Reading: the source's way of choosing, as an arm: what it adds to the score of the last epoch is no skill of the model.
Claims: none; it says what choosing on the test images is worth.

Command: python bench/run_all.py --only kitti_ablation/baseline__selected_on_test
"""

_base_ = ['baseline.py']

protocol = dict(select=dict(split='test', after_epoch=100))
