"""Parts that hang beside a network: channel gates and edge maps."""

from .hed_branch import HEDBranch, pixels_of
from .squeeze_excitation import SqueezeExcitation, scale_largest_gate

__all__ = ['HEDBranch', 'SqueezeExcitation', 'pixels_of', 'scale_largest_gate']
