"""Cross entropy after a softmax in place of region mutual information.

Source: hierarchical_attention, "Some Points about the Training" and "Loss".
Reading: the loss alone is replaced; the batch stays, although the text would spend the memory saved on a larger one.
Claims: H08, H09, H15.

Command: python bench/run_all.py --only hierarchical_attention/rmi_or_cross_entropy__ce
"""

_base_ = ['rmi_or_cross_entropy.py']

model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CrossEntropyLoss', avg_non_ignore=True)))
