"""The two-scale network trained on labelled images and on those that the best initial stage labelled.

Source: hierarchical_attention, "Semi-supervised learning" and "Some Points about the Training".
Reading: what the text describes there is how the main models were trained, so that this is two_stage, scored here and
not trained again; auto_label__without is what it is to be compared with.
Claims: H13.

Command: python bench/run_all.py --only hierarchical_attention/auto_label
"""

_base_ = ['two_stage.py']

protocol = dict(
    start=[dict(parent='hierarchical_attention/two_stage')],
    stages=[],
    auto_label=None)
