"""Gradient clipping that does not look at the norm it clips by."""

from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS


def clip(wrapper: OptimWrapper) -> None:
    """Clip the gradients of ``wrapper`` as mmengine does, without fetching their norm from the device for the log."""
    params = [param for group in wrapper.optimizer.param_groups for param in group['params']]
    trained = [param for param in params if param.requires_grad and param.grad is not None]
    if trained:
        wrapper.clip_func(trained, **wrapper.clip_grad_kwargs)


@OPTIM_WRAPPERS.register_module()
class UnreadNormOptimWrapper(OptimWrapper):
    """mmengine's wrapper, except that clipping does not wait for the device."""

    def _clip_grad(self) -> None:
        clip(self)
