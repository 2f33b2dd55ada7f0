"""Attention between scales 0.5 and 1 over HRNet with object context: what the report aimed at.

Source: hierarchical_attention, "Architect" and "Trained Models".
Readings: never trained there. Width 48 and the heads of the method's source: attention and semantics read the 512
channels after the object context, an auxiliary head the trunk at 0.4; one trunk. Trained end to end with the optimiser
and loss of the initial stages; batch and epochs of the ResNet rows.
Claims: none; the source did not train it.

Command: python bench/run_all.py --only hierarchical_attention/hrnet_ocr
"""

_base_ = [
    '../_base_/models/hierarchical_attention_hrnet_ocr.py',
    '../_base_/schedules/hierarchical_attention.py',
    '../_base_/protocols/hierarchical_attention.py',
]

protocol = dict(stride=32, weights='hrnetv2_w48-imagenet')
