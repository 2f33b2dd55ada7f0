"""Optimisers whose parameters are grouped by what they share."""

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class JoinedGroupsConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor with one group of parameters for each set of options, instead of one for each parameter.

    Updates are the same; a fused optimiser makes them by one kernel a group, where it would start hundreds.

    Raises:
        ValueError: a parameter that two modules share would have two sets of options.
    """

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, prefix: str = '', **more: Any) -> None:
        super().add_params(params, module, prefix, **more)
        # It calls itself for the children: the outermost call has them all.
        if prefix:
            return
        groups: dict[str, dict[str, Any]] = {}
        placed: dict[int, str] = {}
        for one in params:
            options = {key: value for key, value in one.items() if key != 'params'}
            name = repr(sorted(options.items()))
            group = groups.setdefault(name, {'params': [], **options})
            for parameter in one['params'] if isinstance(one['params'], list) else [one['params']]:
                known = placed.get(id(parameter))
                if known is None:
                    placed[id(parameter)] = name
                    group['params'].append(parameter)
                # A shared one comes once for each module.
                elif known != name:
                    two = f'the options {known} and {name}'
                    raise ValueError(f'a shared parameter of shape {tuple(parameter.shape)} has {two}: it needs one')
        params[:] = groups.values()
