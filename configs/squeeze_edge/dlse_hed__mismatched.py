"""The gated network, trained with the edges of the labels and tested with those of the photograph.

Source: squeeze_edge, the report's program and its lists of files.
Reading: as coded, in this one respect: the lists name edge maps of the label pictures, the figures of the report show
those of photographs. The program runs HED over the label pictures; here the edges are those of the label map itself.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/dlse_hed__mismatched
"""

_base_ = ['dlse_hed.py']

model = dict(train_edges='labels')
