/* The text beside the picture. Everything that comes from the plan is set as text, never as HTML. */
function el(name, text, className, parent) {
  const element = document.createElement(name);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  if (parent) parent.appendChild(element);
  return element;
}

function amount(value, units, step) {
  let unit = 0;
  while (value >= step && unit + 1 < units.length) { value /= step; unit++; }
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}
const bytesText = value => amount(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024);
const countText = value => value === null ? 'too many' : amount(value, ['', 'thousand', 'million', 'billion', 'trillion'], 1000).trim();
const timeText = ns => amount(ns, ['ns', '\u00b5s', 'ms', 's'], 1000);
/* The rounded text, and the number where rounding changed it. */
const exact = (text, value, unit) => text === `${value} ${unit}` ? text : `${text} (${value} ${unit})`;
const share = (part, whole) => whole > 0 ? `${(100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %` : '';
const measured = plan.totals.time_ns !== undefined;

function swatch(launch, parent) { el('span', '', 'dot', parent).style.setProperty('--h', hueOf(launch)); }

function go(text, action, parent) {
  const button = el('button', text, 'go', parent);
  button.addEventListener('click', action);
  return button;
}

function line(table, name, value, id) {
  const row = el('tr', null, '', table);
  el('th', name, '', row);
  const cell = el('td', value, '', row);
  if (id) cell.id = id;
  return cell;
}

function bar(parent, part) { el('i', '', '', el('div', '', 'bar', parent)).style.width = `${Math.min(100, 100 * part)}%`; }

function slotTable(parent, title, list) {
  if (!list.length) return;
  el('h3', title, '', parent);
  const table = el('table', null, '', parent);
  for (const s of list) {
    const slot = plan.slots[s], row = el('tr', null, '', table);
    const what = slot.name ? `${slot.kind} ${slot.name}` : slot.in_place ? 'in place' : slot.kind;
    el('td', slot.type, '', row);
    el('td', what, 'soft', row);
    el('td', bytesText(slot.bytes), 'n', row);
  }
}

function launchCosts(launch, parent) {
  const table = el('table', null, '', parent);
  line(table, 'bytes moved', exact(bytesText(launch.bytes), launch.bytes, 'B'), 'launch-bytes');
  line(table, 'operations', countText(launch.operations) + (launch.bytes > 0 ? `, ${(launch.operations / launch.bytes).toPrecision(3)} a byte` : ''));
  if (launch.work_items.length) line(table, 'work-items', launch.work_items.join(' \u00d7 ') + (launch.work_group ? ` in groups of ${launch.work_group.join(' \u00d7 ')}` : ''));
  if (launch.time_ns === undefined) return;
  line(table, 'time', `${exact(timeText(launch.time_ns), launch.time_ns, 'ns')}, ${share(launch.time_ns, plan.totals.time_ns)} of all`, 'launch-time');
  if (!launch.time_ns) return;
  line(table, 'rate', `${(launch.bytes / launch.time_ns).toPrecision(3)} GB/s, ${(launch.operations / launch.time_ns).toPrecision(3)} Gop/s`);
  if (!launch.roofline_ns) return;
  const cell = line(table, 'roofline', `${timeText(launch.roofline_ns)}: reached ${share(launch.roofline_ns, launch.time_ns)}`
    + (launch.roofline_ns > launch.time_ns ? '; what it reads is in a cache' : ''), 'launch-roofline');
  bar(cell, launch.roofline_ns / launch.time_ns);
}

function showLaunch(aside, l, act) {
  const launch = plan.launches[l];
  aside.textContent = '';
  go('\u2190 all launches', () => act.all(), el('p', null, 'soft', aside));
  const head = el('h2', null, '', aside);
  swatch(l, head);
  head.appendChild(document.createTextNode(`Launch ${l + 1}: ${launch.strategy}`));
  launchCosts(launch, aside);
  el('h3', 'why it ends here', '', aside);
  el('p', launch.ends, '', aside);
  if (launch.schedule) {
    el('h3', 'schedule', '', aside);
    el('p', launch.schedule, '', aside);
    if (launch.chosen_by) el('p', `chosen by ${launch.chosen_by}`, 'soft', aside);
  }
  if (launch.notes) {
    el('h3', 'why this strategy', '', aside);
    el('p', launch.notes, '', aside);
  }
  el('h3', `operators (${launch.nodes.length})`, '', aside);
  const list = el('ul', null, '', aside);
  for (const n of launch.nodes) {
    const node = plan.fused.nodes[n], item = el('li', null, '', list);
    go(node.op, () => act.node(n), item);
    el('span', ` ${node.type}`, 'soft', item);
    if (node.name) el('div', node.name, 'soft', item);
  }
  slotTable(aside, 'reads', launch.reads);
  slotTable(aside, 'writes', launch.writes);
  const same = plan.launches.map((other, i) => other.kernel === launch.kernel && i !== l ? i : -1).filter(i => i >= 0);
  if (same.length) {
    el('h3', 'the same kernel', '', aside);
    const p = el('p', null, '', aside);
    same.forEach((i, k) => { if (k) p.appendChild(document.createTextNode(', ')); go(`launch ${i + 1}`, () => act.launch(i), p); });
  }
  const source = plan.launches[launch.kernel].source;
  if (source) {
    el('h3', 'kernel', '', aside);
    const details = el('details', null, '', aside);
    el('summary', `${source.split('\n').length} lines of OpenCL C`, '', details);
    el('pre', source, '', details);
  }
}

function showNode(aside, graph, n, act) {
  const node = graph.nodes[n];
  aside.textContent = '';
  go('\u2190 all launches', () => act.all(), el('p', null, 'soft', aside));
  el('h2', node.op, '', aside);
  const table = el('table', null, '', aside);
  if (node.name) line(table, 'name', node.name);
  line(table, 'type', node.type);
  node.in.forEach((from, i) => {
    const value = from >= 0 ? graph.nodes[from].op : from <= -3 ? `input ${graph.inputs[-3 - from].name}` : from === -1 ? 'a constant' : 'not given';
    line(table, `operand ${i + 1}`, value);
  });
  const cell = line(table, 'computed', node.launches.length ? null : 'while compiling, or not at all: nothing that runs needs it');
  node.launches.forEach((l, k) => { if (k) cell.appendChild(document.createTextNode(', ')); go(`in launch ${l + 1}`, () => act.launch(l), cell); });
}

/* Every launch as a point: operations a byte against operations a second, under the roof where it is known. */
function showRoof(aside, act) {
  const points = plan.launches.map((launch, l) => ({l, x: launch.operations / launch.bytes, y: launch.operations / launch.time_ns}))
    .filter(p => p.x > 0 && p.y > 0 && Number.isFinite(p.x) && Number.isFinite(p.y));
  if (points.length < 2) return;
  el('h3', 'operations a byte against Gop/s', '', aside);
  const W = 380, H = 190, L = 38, B = 22, roof = plan.totals;
  const bound = x => Math.min(roof.bytes_per_ns * x, roof.operations_per_ns);
  const tops = roof.bytes_per_ns && roof.operations_per_ns ? points.map(p => bound(p.x)) : [];
  const xs = points.map(p => Math.log10(p.x)), ys = points.map(p => Math.log10(p.y)).concat(tops.map(Math.log10));
  const x0 = Math.floor(Math.min(...xs)), x1 = Math.ceil(Math.max(...xs) + 0.01), y0 = Math.floor(Math.min(...ys)), y1 = Math.ceil(Math.max(...ys) + 0.01);
  const X = v => L + (W - L - 6) * (Math.log10(v) - x0) / (x1 - x0), Y = v => H - B - (H - B - 6) * (Math.log10(v) - y0) / (y1 - y0);
  const chart = svg('svg', {id: 'roof', viewBox: `0 0 ${W} ${H}`, width: '100%'}, aside);
  const label = e => Math.abs(e) < 4 ? String(Math.pow(10, e)).slice(0, 6) : `1e${e}`;
  for (let e = x0; e <= x1; e++) {
    svg('line', {x1: X(Math.pow(10, e)), x2: X(Math.pow(10, e)), y1: 6, y2: H - B}, chart);
    svg('text', {x: X(Math.pow(10, e)), y: H - 8, 'text-anchor': e === x1 ? 'end' : 'middle'}, chart).textContent = label(e);
  }
  for (let e = y0; e <= y1; e++) {
    svg('line', {x1: L, x2: W - 6, y1: Y(Math.pow(10, e)), y2: Y(Math.pow(10, e))}, chart);
    svg('text', {x: L - 4, y: Y(Math.pow(10, e)) + 3, 'text-anchor': 'end'}, chart).textContent = label(e);
  }
  if (tops.length) {
    let d = '';
    for (let e = x0; e <= x1 + 1e-9; e += 0.05) d += `${d ? 'L' : 'M'}${X(Math.pow(10, e)).toFixed(1)} ${Math.max(6, Math.min(H - B, Y(bound(Math.pow(10, e))))).toFixed(1)}`;
    svg('path', {d}, chart);
  }
  const most = Math.max(...plan.launches.map(launch => launch.time_ns));
  for (const p of points) {
    const dot = svg('circle', {cx: X(p.x), cy: Y(p.y), r: 2.5 + 6 * Math.sqrt(plan.launches[p.l].time_ns / most)}, chart);
    dot.style.setProperty('--h', hueOf(p.l));
    svg('title', {}, dot).textContent = `launch ${p.l + 1}: ${plan.launches[p.l].strategy}`;
    dot.addEventListener('click', () => act.launch(p.l));
  }
}

function showAll(aside, act) {
  aside.textContent = '';
  el('h2', `${plan.launches.length} launches`, '', aside);
  el('p', 'Click one here or in the picture. Dragging moves the picture, the wheel scales it; a double click opens or closes a launch before fusion.', 'soft', aside);
  if (measured) showRoof(aside, act);
  const value = measured ? launch => launch.time_ns : launch => launch.bytes;
  const whole = plan.launches.reduce((sum, launch) => sum + value(launch), 0);
  const order = plan.launches.map((launch, l) => l).sort((a, b) => value(plan.launches[b]) - value(plan.launches[a]));
  el('h3', measured ? 'by time' : 'by bytes moved', '', aside);
  const table = el('table', null, '', aside);
  for (const l of order) {
    const launch = plan.launches[l], row = el('tr', null, 'pick', table);
    const name = el('td', null, '', row);
    swatch(l, name);
    go(`${l + 1} ${launch.strategy}`, () => act.launch(l), name);
    el('div', words(launch.nodes.map(n => plan.fused.nodes[n].op).join(' '), 60), 'soft', name);
    el('td', bytesText(launch.bytes), 'n', row);
    if (measured) el('td', timeText(launch.time_ns), 'n', row);
    el('td', share(value(launch), whole), 'n soft', row);
    row.addEventListener('click', event => { if (event.target.tagName !== 'BUTTON') act.launch(l); });
  }
}
