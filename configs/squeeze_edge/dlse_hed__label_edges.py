"""The gated network with the edges of the labels in training and in testing: part of the answer is given away.

Source: squeeze_edge, the report's program and its lists of files.
Reading: a control that the source lacks: the validation accuracy that its program reached in training is measured in
this way. Its scores say what perfect edges are worth, not how good the network is.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/dlse_hed__label_edges
"""

_base_ = ['dlse_hed.py']

# No photograph's edges are ever asked for, hence no detector.
model = dict(edge_branch=None, train_edges='labels', test_edges='labels')
protocol = dict(start=[])
