"""The gated network with edges in its loss and not in its input: the future work of the report.

Source: squeeze_edge, "Conclusion".
Reading: the loss is not described. Here a pixel next to another class weighs ten times any other, the factor that
U-Net (Ronneberger et al. 2015) gives to borders; no edge detector is involved.
Claims: S06.

Command: python bench/run_all.py --only squeeze_edge/dlse__edge_loss
"""

_base_ = ['dlse.py']

model = dict(decode_head=dict(loss_decode=dict(type='EdgeWeightedLoss', edge_weight=10.0, radius=1)))
