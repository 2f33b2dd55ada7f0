"""The two-scale network whose attention ends in a bare convolution, as in the report's program.

Source: hierarchical_attention, "The Attention Architecture"; layers from the report's program.
Reading: the text has batch norm and a leaky ReLU after the last layer, which tie a mask to the rest of its batch; the
program goes from the convolution to the sigmoid.
Claims: H02.

Command: python bench/run_all.py --only hierarchical_attention/two_stage__last_layer_as_coded
"""

_base_ = ['two_stage.py']

model = dict(attention_head=dict(last_norm=False))
