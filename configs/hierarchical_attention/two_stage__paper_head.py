"""Two scales over one trunk with the paper's own attention head, trained end to end.

Source: hierarchical_attention, "Architect" and "Our Hierarchical Method".
Reading: the method as the text quotes it: an attention head like a semantic one, single scales supervised at 0.05, and
nothing frozen. Trained as explicit_attention is, so that the two differ in their attention and scales alone.
Claims: H10, H11.

Command: python bench/run_all.py --only hierarchical_attention/two_stage__paper_head
"""

_base_ = ['explicit_attention.py']

model = dict(
    type='HierarchicalSegmentor',
    attention_head=dict(type='ScaleAttentionHead'),
    scales=(0.5, 1.0),
    shared_trunk=True,
    scale_weight=0.05)
