// "Under X ms and Y GB on this device: which?" over the measured models of one setting.

// Timings of one machine repeat within about this share, and what a process grows by within that.
const NOISE = { latency: 0.05, memory: 0.1 };
const FRONT = '\u25C6 on the front';

function isFinished(model) {
  return model.miou !== null;
}

// Less by more than the noise of measuring; a time taken beside other runs is one at most.
function cheaper(one, other, cost) {
  return one[cost] < other[cost] * (1 - (NOISE[cost] || 0));
}

// Whether one model scores more than another beyond what seeds explain: the difference of two means has the errors of
// both, and each error's quantile weighs as much as its variance, as where claims are judged.
function toldAbove(one, other) {
  if (one.error === null || other.error === null) return false;
  const half = (one.half * one.error + other.half * other.error) / Math.hypot(one.error, other.error);
  return one.miou - other.miou > half;
}

// What the models say of one that cost no more than it in anything.
function standing(model, others, costs) {
  const all = costs.filter((cost) => model[cost] !== null && !(cost === 'latency' && model.contended));
  const rivals = others.filter((other) =>
    other !== model && !all.some((cost) => other[cost] === null || cheaper(model, other, cost)));
  if (rivals.some((other) => toldAbove(other, model))) return 'another is better';
  const even = rivals.filter((other) => !toldAbove(model, other));
  if (even.some((other) => all.some((cost) => cheaper(other, model, cost)))) return 'not told apart from a cheaper one';
  return FRONT;
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
  // It opens where most can be chosen from. The first setting has the largest share of what was documented: of a
  // training that is short to begin with, that may be two epochs, beside which twenty of a long one come later.
  const most = Math.max(...places.filter((place) => place.smoke === places[0].smoke).map((place) => place.models.length));
  const start = places.findIndex((place) => place.models.length === most);
  const limits = [
    { key: 'latency', label: 'Latency at most', unit: 'ms' },
    { key: 'inference', label: 'Memory at most', unit: 'GiB' },
    { key: 'params', label: 'Parameters at most', unit: 'million' },
  ];
  const select = make('select', { id: 'chooser-place', oninput: reset },
    ...places.map((place, index) => make('option', { value: index, selected: index === start }, place.name + (place.smoke ? ' (smoke: no evidence)' : ''))));
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
    for (const model of fitting) model.standing = standing(model, place().models, costs);
    const best = fitting[0];
    const smoke = place().smoke ? ' These are smoke runs, which are no evidence.' : '';
    const told = best
      ? `${fitting.length} of ${place().models.length} models fit; the best is ${best.id} with ${fixed(best.miou)} % mIoU.${place().smoke ? '' : undecided(best, fitting.slice(1))}${smoke}`
      : 'No measured model fits. Loosen a limit.';
    answer.replaceChildren(...breakable(told));
    answer.classList.toggle('grey', place().smoke);
    ranking(result, fitting);
  }
  reset();
}

// How many of the others the best cannot be told apart from.
function undecided(best, others) {
  if (!others.length) return '';
  if (best.error === null) return ' The spread over seeds is not known here: nothing tells it apart.';
  const even = others.filter((model) => !toldAbove(best, model)).length;
  if (!even) return ' It is told apart from all others.';
  return ` ${even === 1 ? 'Another is' : `${even} others are`} not told apart from it.`;
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
    { label: 'Pareto', text: true, value: (m) => m.standing },
    { label: 'Marks', text: true, value: (m) => m.marks.join(', ') },
  ], models, { caption: 'Models that fit, best mIoU first', page: 20, rowClass: (m) => (m.standing === FRONT ? 'front' : false) });
}

function interval(model) {
  const seeds = `${model.seeds} seed${model.seeds === 1 ? '' : 's'}`;
  return model.low === null ? seeds : `${fixed(model.low, 1)} to ${fixed(model.high, 1)}${model.borrowed ? ` (${seeds})` : ''}`;
}

function bar(model) {
  const meter = make('span', { class: 'bar', 'aria-hidden': 'true' });
  meter.style.setProperty('--share', `${model.miou}%`);
  return make('span', { class: 'measure' }, meter, opener(model.key, fixed(model.miou), false));
}
