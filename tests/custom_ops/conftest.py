"""What several networks are tested with: a scene of three classes, and training on it until it is learnt."""

import multiprocessing
from collections.abc import Callable
from datetime import timedelta

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, distributed, nn
from torch.nn import functional as F

K, H, W = 3, 64, 64


@pytest.fixture
def scene() -> tuple[Tensor, Tensor]:
    """Two noisy images [2, 3, 64, 64] of rectangles and their labels [2, 64, 64]; a band of each is ignored."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.zeros(2, H, W, dtype=torch.long)
    labels[0, 16:48, 4:28] = 1
    labels[0, 8:40, 36:60] = 2
    labels[1, 24:60, 8:56] = 2
    labels[1, 32:52, 16:40] = 1
    colours = 3 * torch.eye(K) - 1
    images = colours[labels].permute(0, 3, 1, 2) + 0.2 * torch.randn(2, 3, H, W, generator=generator)
    labels[:, :4] = 255
    return images, labels


@pytest.fixture
def samples(scene) -> list[SegDataSample]:
    """The scene's labels in the toolbox's packaging."""
    packed = []
    for labels in scene[1]:
        sample = SegDataSample(metainfo=dict(img_shape=(H, W), ori_shape=(H, W), pad_shape=(H, W)))
        sample.gt_sem_seg = PixelData(data=labels[None])
        packed.append(sample)
    return packed


def mean_iou(prediction: Tensor, labels: Tensor, classes: int) -> float:
    """Percent, over the classes present; pixels labelled 255 are left out."""
    valid = labels != 255
    pairs = classes * labels[valid] + prediction[valid]
    table = torch.bincount(pairs, minlength=classes * classes).view(classes, classes).double()
    union = table.sum(0) + table.sum(1) - table.diagonal()
    return float(100 * (table.diagonal() / union)[union > 0].mean())


def settle(network: nn.Module, run: Callable[[nn.Module], object]) -> None:
    """Set the statistics of every BN to those of the batch, as training to the end would; leave evaluation mode on."""
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    run(network)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval()
        norm.momentum = momentum


@pytest.fixture
def in_two_processes(tmp_path) -> Callable[[Callable[[int], object]], list]:
    """Call a function of the rank in two processes that know of each other; return what each of them gave."""

    def one(rank: int, work: Callable[[int], object], given) -> None:
        # A fork has none of the threads of its parent, which a sum over many numbers would wait for.
        torch.set_num_threads(1)
        meeting = f'file://{tmp_path / "meeting"}'
        distributed.init_process_group('gloo', meeting, timedelta(seconds=60), world_size=2, rank=rank)
        given.send(work(rank))
        distributed.barrier()
        distributed.destroy_process_group()

    def run(work: Callable[[int], object]) -> list:
        context = multiprocessing.get_context('fork')
        pipes = [context.Pipe(duplex=False) for _ in range(2)]
        processes = [context.Process(target=one, args=(rank, work, pipes[rank][1])) for rank in range(2)]
        for process, (_, given) in zip(processes, pipes, strict=True):
            process.start()
            given.close()
        results = [taken.recv() for taken, _ in pipes]
        for process in processes:
            process.join()
        return results

    return run


@pytest.fixture
def overfit() -> Callable[..., tuple[float, float, float]]:
    """Train on one batch until it is learnt; return its loss before and after and its mean IoU in percent."""

    def train(
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        loss: Callable[[nn.Module], Tensor] | None = None,
        predict: Callable[[nn.Module], Tensor] | None = None,
        classes: int = K,
        rate: float = 3e-3,
        steps: int = 100,
        enough: float = 92.0,
        fall: float = 4.0,
    ) -> tuple[float, float, float]:
        def cross_entropy(net: nn.Module) -> Tensor:
            return F.cross_entropy(net(images), labels, ignore_index=255)

        loss = loss or cross_entropy
        predict = predict or (lambda net: net(images).argmax(1))
        optimiser = torch.optim.Adam(network.parameters(), lr=rate)
        first = score = last = 0.0
        for step in range(1, steps + 1):
            network.train()
            value = loss(network)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            last = value.item()
            first = first or last
            if step % 10 == 0:
                with torch.no_grad():
                    settle(network, predict)
                    score = mean_iou(predict(network), labels, classes)
                if score > enough and last < first / fall:
                    break
        return first, last, score

    return train
