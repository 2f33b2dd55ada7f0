"""Region mutual information, the reference of the two arms that replace it.

Source: hierarchical_attention, "Some Points about the Training" and "Loss".
Reading: the network is not stated. The first stage at scale 1, where the report used this loss: the same training as
that row's, repeated beside the arms for their times and memory.
Claims: H08, H09, H15.

Command: python bench/run_all.py --only hierarchical_attention/rmi_or_cross_entropy
"""

_base_ = ['initial_mobilenetv2_scale_1.py']
