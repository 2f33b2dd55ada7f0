"""Binary cross entropy after a sigmoid, the other half of the loss, in place of the whole.

Source: hierarchical_attention, "Loss".
Reading: the sigmoid form that the text compares with a softmax is the one inside the region loss.
Claims: H08, H15.

Command: python bench/run_all.py --only hierarchical_attention/rmi_or_cross_entropy__bce
"""

_base_ = ['rmi_or_cross_entropy.py']

model = dict(decode_head=dict(loss_decode=dict(rmi_weight=0.0)))
