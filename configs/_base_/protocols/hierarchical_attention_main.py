"""Protocol shared by the main models of hierarchical_attention: joined from initial stages, trained in two steps."""

_base_ = ['hierarchical_attention.py']

protocol = dict(
    # Five for the attention, five for the rest; each row states its stages.
    epochs=10,
    # Not stated in the text.
    batch_size=6,
    schedule=[dict(kind='constant')],
    # By the best of the initial stages; hard labels, and no threshold stated.
    auto_label=dict(parent='hierarchical_attention/initial_mobilenetv2_scale_0_5', split='test', threshold=None))
