"""Data frames from rows, for machines: raw numbers, nothing where nothing was measured. Percent is 0 to 100."""

from collections.abc import Sequence

import pandas as pd

from bench.experiments import Catalogue
from bench.judging.run_values import precise_miou
from bench.render import costs, tables
from bench.render.gather import Row, class_names, lookup


def experiments(rows: Sequence[Row], catalogue: Catalogue) -> pd.DataFrame:
    """Return one line for each row, raw numbers with their unit in the column's name."""
    return pd.DataFrame([_experiment(row, catalogue) for row in rows])


def runs(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line for each receipt."""
    columns = [
        'id',
        'experiment',
        'dataset',
        'budget',
        'seed',
        'status',
        'reason',
        'resumed',
        'contended',
        'wall_sec',
        'device_sec',
    ]
    records = []
    for row in rows:
        for _, receipt in row.runs:
            record = {name: getattr(receipt, name) for name in columns}
            for key in ('miou', 'miou_absent_as_zero', 'miou_per_image', 'pixel_accuracy', 'class_accuracy', 'fw_iou'):
                record[key] = lookup(receipt, 'metrics', key)
            record['train_miou'] = lookup(receipt, 'train_metrics', 'miou')
            record['miou_precise_bn'] = precise_miou(receipt)
            for key in ('p50_ms', 'p90_ms', 'p99_ms', 'device', 'threads', 'contended'):
                record[f'latency_{key}'] = lookup(receipt, 'latency', key)
            for key in ('steps', 'epochs', 'batch_size', 'final_loss'):
                record[key] = lookup(receipt, 'train', key)
            record['initialised_from'] = lookup(receipt, 'init', 'used')
            record['commit'] = lookup(receipt, 'environment', 'commit')
            record['older_code'] = receipt.id in row.older
            records.append(record)
    return pd.DataFrame(records, columns=None if records else columns)


def classes(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line for each row and class: the mean IoU over seeds in percent."""
    records = [
        {'id': row.experiment, 'setting': row.setting.label, 'class': name, 'iou': tables.class_iou(row, name)}
        for row in rows
        if row.setting is not None
        for name in class_names([row])
    ]
    return pd.DataFrame(records, columns=['id', 'setting', 'class', 'iou'])


def csv(frame: pd.DataFrame) -> str:
    """Return the frame as CSV: four decimals, nothing for what was not measured."""
    # Whole numbers with gaps are floats to pandas; "4.0000 steps" would be odd.
    return frame.convert_dtypes().to_csv(index=False, float_format=_decimals, lineterminator='\n')


def _decimals(value: float) -> str:
    return f'{value:.4f}' if abs(value) < 1e9 else f'{value:.4e}'


def _experiment(row: Row, catalogue: Catalogue) -> dict[str, object]:
    documented, split = row.documented_miou()
    miou = row.spread('metrics', 'miou')
    setting, timed = row.setting, costs.latency(row)
    seconds, shared = costs.training_time(row)
    report = catalogue.reports.get(row.report)
    nearest = 'miou' if report is None else report.nearest_score
    rebuilt = row.documented.recomputed[0] if row.documented and row.documented.recomputed else None
    return {
        'id': row.experiment,
        'status': row.status,
        'reason': row.reason,
        'evidence': None if not row.ok else not row.smoke,
        'marks': '; '.join(row.marks) or None,
        'dataset': setting and setting.dataset,
        'height': setting.size[0] if setting and setting.size else None,
        'width': setting.size[1] if setting and setting.size else None,
        'budget': setting and setting.budget,
        'factor': setting and setting.factor,
        'precision': setting and setting.precision,
        'seeds': len(row.ok),
        'documented_miou': documented,
        'documented_split': split if split and documented is not None else None,
        'miou': miou.mean,
        'miou_sd': miou.deviation,
        'miou_min': min(miou.values, default=None),
        'miou_max': max(miou.values, default=None),
        'miou_images_low': row.over_images[0] if row.over_images else None,
        'miou_images_high': row.over_images[1] if row.over_images else None,
        'miou_precise_bn': row.precise[0] if row.precise else None,
        'miou_averaged_as_documented': row.spread('metrics', nearest).mean,
        'pixel_accuracy': row.spread('metrics', 'pixel_accuracy').mean,
        'class_accuracy': row.spread('metrics', 'class_accuracy').mean,
        'train_miou': row.spread('train_metrics', 'miou').mean,
        'documented_gflops': row.documented.value('gflops') if row.documented else None,
        'rebuilt_gflops': _divided(None if rebuilt is None else rebuilt.gmacs, 0.5),
        'rebuilt_at': _size(None if rebuilt is None else rebuilt.input_shape),
        'counted_gflops': _divided(costs.counted(row, 'flops'), 1e9),
        'counted_at': _size(costs.counted(row, 'input_shape')),
        'counted_gflops_deviation_percent': tables.deviation_percent(row),
        'params_millions': _divided(costs.counted(row, 'params'), 1e6),
        'run_gflops': _divided(row.first('run_cost', 'flops'), 1e9),
        'latency_p50_ms': timed.p50_ms if timed else None,
        'latency_on': timed.apparatus if timed else None,
        'latency_contended': timed.contended if timed else None,
        'train_memory_bytes': costs.memory(row, 'train'),
        'inference_memory_bytes': costs.memory(row, 'inference'),
        'train_wall_sec': seconds,
        'train_wall_contended': None if seconds is None else shared,
        'steps': row.first('train', 'steps'),
        'epochs': row.first('train', 'epochs'),
        'share_of_documented_epochs': costs.share_of_documented(row),
        'initialised_from': row.first('init', 'used'),
    }


def _size(shape: Sequence[int] | None) -> str | None:
    return None if shape is None else tables.shape(shape)


def _divided(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
