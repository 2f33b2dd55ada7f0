// "Under X ms and Y GB on this device: which?" over the measured models of one setting.

// Timings of one machine repeat within about this share.
const TIMING = 0.05;

function isFinished(model) {
  return model.miou !== null;
}

// Less by more than the noise of timing, where the cost is a time; a time taken beside other runs is one at most.
function cheaper(one, other, cost) {
  return one[cost] < other[cost] * (cost === 'latency' ? 1 - TIMING : 1);
}

// A model is on the front unless another costs no more in anything, scores no less, and is better in one of them.
function onFront(model, others, costs) {
  const all = costs.filter((cost) => model[cost] !== null && !(cost === 'latency' && model.contended));
  return !others.some((other) => {
    if (other === model || all.some((cost) => other[cost] === null || cheaper(model, other, cost))) return false;
    return other.miou >= model.miou && (other.miou > model.miou || all.some((cost) => cheaper(other, model, cost)));
  });
}

// One seed has no interval, and intervals that overlap do not tell two models apart.
function toldApart(best, other) {
  return best.low !== null && other.high !== null && other.high < best.low;
}

function chooser(mount) {
  const models = data.models.filter(isFinished).map((model) => (model.aside ? { ...model, latency: null } : model));
  if (!models.length) {
    mount.replaceChildren(make('p', {}, 'Nothing was measured yet.'));
    return;
  }
  const places = [];
  // Settings come in the order of what they can tell.
  data.settings.forEach((one, index) => {
    const own = models.filter((model) => model.setting === index);
    if (own.length) places.push({ name: `${one.label} · ${one.device || 'not timed'}`, smoke: one.smoke, models: own });
  });
  places.sort((a, b) => a.smoke - b.smoke);
  const limits = [
    { key: 'latency', label: 'Latency at most', unit: 'ms' },
    { key: 'inference', label: 'Memory at most', unit: 'GiB' },
    { key: 'params', label: 'Parameters at most', unit: 'million' },
  ];
  const select = make('select', { id: 'chooser-place', oninput: reset },
    ...places.map((place, index) => make('option', { value: index }, place.name + (place.smoke ? ' (smoke: no evidence)' : ''))));
  const answer = make('p', { class: 'answer', role: 'status', 'aria-live': 'polite' });
  const result = make('div');
  const fields = limits.map((limit) => field(limit));
  mount.replaceChildren(
    make('div', { class: 'controls' }, make('label', { for: 'chooser-place' }, 'Measured on '), select, ...fields), answer, result);

  function field(limit) {
    const id = `chooser-${limit.key}`;
    limit.slider = make('input', { type: 'range', min: 0, max: 100, value: 100, 'aria-label': `${limit.label}, slider`,
      oninput: () => { limit.box.value = fromSlider(limit); update(); } });
    limit.box = make('input', { type: 'number', id, min: 0, step: 'any', oninput: () => { toSlider(limit); update(); } });
    return make('div', { class: 'limit' }, make('label', { for: id }, `${limit.label} (${limit.unit})`), limit.slider, limit.box);
  }

  function place() { return places[Number(select.value) || 0]; }

  function range(limit) {
    const values = place().models.map((model) => model[limit.key]).filter((value) => value !== null);
    return values.length ? [Math.min(...values), Math.max(...values)] : [0, 0];
  }

  // Costs span decades: the slider moves in equal factors, the last step lets everything through.
  function fromSlider(limit) {
    const [low, high] = range(limit);
    const share = Number(limit.slider.value) / 100;
    return low > 0 ? Number((low * Math.pow(high / low, share) * 1.0005).toPrecision(4)) : high * share;
  }

  function toSlider(limit) {
    const [low, high] = range(limit);
    const value = Number(limit.box.value);
    const share = limit.box.value === '' || high <= low ? 1 : Math.log(value / low) / Math.log(high / low);
    limit.slider.value = Math.round(100 * Math.min(1, Math.max(0, share)));
  }

  function reset() {
    for (const limit of limits) {
      const [, high] = range(limit);
      limit.slider.value = 100;
      limit.slider.disabled = limit.box.disabled = high === 0;
      limit.box.value = high ? fromSlider(limit) : '';
    }
    update();
  }

  function update() {
    const fitting = place().models.filter((model) => limits.every((limit) =>
      limit.box.value === '' || model[limit.key] === null || model[limit.key] <= Number(limit.box.value)));
    fitting.sort((a, b) => b.miou - a.miou);
    const costs = limits.map((limit) => limit.key);
    for (const model of fitting) model.front = onFront(model, place().models, costs);
    const best = fitting[0];
    const even = fitting.slice(1).filter((model) => !toldApart(best, model)).length;
    const open = even ? ` ${even === 1 ? 'Another is' : `${even} others are`} not told apart from it.` : '';
    const smoke = place().smoke ? ' These are smoke runs, which are no evidence.' : '';
    answer.textContent = best
      ? `${fitting.length} of ${place().models.length} models fit; the best is ${best.id} with ${fixed(best.miou)} % mIoU.${place().smoke ? '' : open}${smoke}`
      : 'No measured model fits. Loosen a limit.';
    answer.classList.toggle('grey', place().smoke);
    ranking(result, fitting);
  }
  reset();
}

function ranking(mount, models) {
  const first = models.length ? models[0].miou : 0;
  grid(mount, [
    { label: 'Model', text: true, value: (m) => m.id, show: (m) => opener(m.key, m.id, true) },
    { label: 'mIoU (%)', value: (m) => m.miou, show: (m) => bar(m), grey: (m) => m.smoke },
    { label: '95 % over seeds', value: (m) => m.low, show: (m) => interval(m), grey: (m) => m.smoke },
    { label: 'behind the best', value: (m) => first - m.miou, show: (m) => fixed(first - m.miou), grey: (m) => m.smoke },
    { label: 'Epochs', value: (m) => m.epochs, show: (m) => fixed(m.epochs, 1) },
    { label: 'of the documented', value: (m) => m.share, show: (m) => (m.share === null ? '\u2014' : `${Number((100 * m.share).toPrecision(2))} %`) },
    { label: 'Latency p50 (ms)', value: (m) => m.latency, show: (m) => m.aside || fixed(m.latency, 1) },
    { label: 'Memory (GiB)', value: (m) => m.inference, show: (m) => fixed(m.inference) },
    { label: 'Params (M)', value: (m) => m.params, show: (m) => fixed(m.params) },
    { label: 'Pareto', text: true, value: (m) => (m.front ? '\u25C6 on the front' : 'another is better') },
    { label: 'Marks', text: true, value: (m) => m.marks.join(', ') },
  ], models, { caption: 'Models that fit, best mIoU first', page: 20, rowClass: (m) => (m.front ? 'front' : false) });
}

function interval(model) {
  return model.low === null ? `${model.seeds} seed${model.seeds === 1 ? '' : 's'}` : `${fixed(model.low, 1)} to ${fixed(model.high, 1)}`;
}

function bar(model) {
  const meter = make('span', { class: 'bar', 'aria-hidden': 'true' });
  meter.style.setProperty('--share', `${model.miou}%`);
  return make('span', { class: 'measure' }, meter, opener(model.key, fixed(model.miou), false));
}
