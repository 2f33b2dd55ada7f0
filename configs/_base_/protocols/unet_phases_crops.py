"""Five crops an image, four corners and the centre, sharpened and mirrored at random: from phase 4 on.

The source writes the crops once; here one of the five is drawn whenever an image is read, five times an epoch.
"""

_base_ = ['unet_phases_flips.py']

protocol = dict(samples_per_image=5, train_view=dict(how='five'))
