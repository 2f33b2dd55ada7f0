"""Phase 4 with a sixth crop an image: the centre of the image rotated by up to 30 degrees.

Source: unet_phases, section II.4.
Reading: 5400 images are six of each of the 900; at 30 degrees the centre crop is still clear of the black corners, as
the text wants. One of the six is drawn whenever an image is read, six times an epoch.
Claims: none; it was given up for its time.

Command: python bench/run_all.py --only unet_phases/phase_4_5400
"""

_base_ = ['phase_4.py']

protocol = dict(samples_per_image=6, train_view=dict(how='five_rotated'))
