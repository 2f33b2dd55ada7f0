"""Optimisers whose parameters are grouped by what they share."""

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class JoinedGroupsConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor with one group of parameters for each set of options, instead of one for each parameter.

    Updates are the same; a fused optimiser makes them by one kernel a group, where it would start hundreds.
    """

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, prefix: str = '', **more: Any) -> None:
        super().add_params(params, module, prefix, **more)
        # It calls itself for the children: the outermost call has them all.
        if prefix:
            return
        groups: dict[str, dict[str, Any]] = {}
        for one in params:
            options = {key: value for key, value in one.items() if key != 'params'}
            group = groups.setdefault(repr(sorted(options.items())), {'params': [], **options})
            group['params'] += one['params'] if isinstance(one['params'], list) else [one['params']]
        params[:] = groups.values()
