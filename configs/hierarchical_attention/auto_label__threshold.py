"""The two-scale network with automatic labels where the labeller is sure.

Source: hierarchical_attention, "Semi-supervised learning".
Reading: the source states no threshold; 0.9 is ours, after the method's publication. Pixels below it are ignored.
Claims: H13.

Command: python bench/run_all.py --only hierarchical_attention/auto_label__threshold
"""

_base_ = ['two_stage.py']

protocol = dict(auto_label=dict(threshold=0.9))
