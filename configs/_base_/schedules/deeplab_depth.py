"""SGD of deeplab_depth: the decoder learns ten times faster than the trunk."""

optimizer = dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4)
paramwise_cfg = dict(custom_keys=dict(decode_head=dict(lr_mult=10.0)))
