"""The best single model, trained on for the ten epochs that the main models have.

Source: hierarchical_attention, "Training the Main Models".
Reading: a control that the source lacks: its main models also have more epochs, another loss and more images than the
single one they are compared with. Those of two_stage, without attention and without another scale.
Claims: H02.

Command: python bench/run_all.py --only hierarchical_attention/initial_mobilenetv2_scale_0_5__ten_more_epochs
"""

_base_ = ['initial_mobilenetv2_scale_0_5.py']

model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CrossEntropyLoss', avg_non_ignore=True)))
protocol = dict(
    epochs=10,
    batch_size=6,
    weights=None,
    start=[dict(parent='hierarchical_attention/initial_mobilenetv2_scale_0_5')],
    # The rate of the fine-tuning: that of the attention trains nothing that this model has.
    stages=[dict(name='longer', epochs=10, lr=1e-4, schedule=[dict(kind='constant')])],
    auto_label=dict(parent='hierarchical_attention/initial_mobilenetv2_scale_0_5'))
