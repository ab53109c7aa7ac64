/* Puts the page together: which picture is shown, what is chosen in it, and the search. */
const byId = id => document.getElementById(id), aside = document.querySelector('aside');
let mode = 'after', closed = new Set(), hits = [], hit = 0;
const everything = () => new Set(plan.launches.keys());
const views = {
  given: () => describedView(),
  before: () => fusedView(closed),
  after: () => fusedView(everything())
};

const act = {
  all() { picture.light(() => false); showAll(aside, act); },
  launch(l, still) {
    showLaunch(aside, l, act);
    aside.scrollTop = 0;
    picture.light(b => b.launches.includes(l));
    if (still) return;
    const first = picture.boxes().find(b => b.launches.includes(l));
    if (first) picture.centre(first);
  },
  node(n) {
    closed = new Set([...closed].filter(l => !plan.launches[l].members.has(n)));
    show('before');
    showNode(aside, plan.fused, n, act);
    const found = picture.boxes().find(b => b.kind === 'node' && b.number === n);
    picture.light(b => b === found);
    if (found) picture.centre(found);
  }
};

function pick(item, twice) {
  if (!item) return act.all();
  if (twice && mode === 'before' && item.launches.length) {
    const l = item.launches[0];
    closed.has(l) ? closed.delete(l) : closed.add(l);
    show('before');
    return act.launch(l);
  }
  if (item.kind === 'launch') return act.launch(item.number, true);
  if (item.kind === 'node') {
    if (item.launches.length === 1) act.launch(item.launches[0], true);
    else showNode(aside, mode === 'given' ? plan.given : plan.fused, item.number, act);
    return picture.light(b => b === item || item.launches.length === 1 && b.launches.includes(item.launches[0]));
  }
  picture.light(b => b === item);
}

const picture = Picture(byId('canvas'), byId('map'), pick);

/* By launch, or from blue for little to red for the launch with most. */
function colour() {
  const by = byId('colour').value;
  const value = l => by === 'time' ? plan.launches[l].time_ns : plan.launches[l].bytes;
  const most = by === 'launch' ? 1 : Math.max(1, ...plan.launches.map((launch, l) => value(l)));
  picture.colour(item => by === 'launch' ? hueOf(item.launches[0])
    : Math.round(225 - 225 * Math.sqrt(Math.max(...item.launches.map(value)) / most)));
}

function search(step) {
  const text = byId('search').value.trim().toLowerCase();
  const graph = mode === 'given' ? plan.given : plan.fused;
  const full = b => b.kind !== 'node' ? `${b.title} ${b.second}` : `${graph.nodes[b.number].op} ${graph.nodes[b.number].name || ''} ${graph.nodes[b.number].type}`;
  const inside = b => b.kind !== 'launch' ? full(b)
    : `${b.title} ${plan.launches[b.number].nodes.map(n => `${plan.fused.nodes[n].op} ${plan.fused.nodes[n].name || ''}`).join(' ')}`;
  hits = picture.search(text ? b => inside(b).toLowerCase().includes(text) : null);
  hit = step && hits.length ? (hit + step + hits.length) % hits.length : 0;
  byId('found').textContent = text ? hits.length ? `${hit + 1} of ${hits.length}` : 'none' : '';
  if (hits.length) picture.centre(hits[hit]);
}

function show(next) {
  mode = next;
  for (const button of byId('views').children) button.setAttribute('aria-pressed', String(button.dataset.view === mode));
  byId('fold').hidden = mode !== 'before';
  picture.show(views[mode]());
  colour();
  if (byId('search').value) search(0);
}

function summary() {
  const t = plan.totals, header = document.querySelector('header');
  document.title = plan.title ? `${plan.title} \u2013 sinter` : 'sinter explain';
  byId('title').textContent = plan.title || 'sinter explain';
  const put = (...parts) => {
    const span = el('span', null, '', header);
    parts.forEach((part, i) => span.appendChild(i % 2 ? el('b', part) : document.createTextNode(part)));
  };
  put('', plan.device);
  const dims = Object.entries(plan.dimensions);
  if (dims.length) put('for ', dims.map(([name, size]) => `${name} = ${size}`).join(', '));
  put('', String(t.operators), ' operators in ', String(t.launches), ' launches of ', String(t.kernels), ' kernels');
  put('', bytesText(t.bytes), ' moved, ', bytesText(t.bytes_unfused), ' unfused');
  put('', countText(t.operations), ' operations');
  if (measured) put('', timeText(t.time_ns), ` in launches, the shortest of ${t.runs} runs`);
}

for (const button of byId('views').children) button.addEventListener('click', () => show(button.dataset.view));
byId('in').addEventListener('click', () => picture.zoom(1.3));
byId('out').addEventListener('click', () => picture.zoom(1 / 1.3));
byId('fit').addEventListener('click', () => picture.fit());
byId('close').addEventListener('click', () => { closed = everything(); show('before'); });
byId('open').addEventListener('click', () => { closed = new Set(); show('before'); });
byId('search').addEventListener('input', () => search(0));
byId('search').addEventListener('keydown', event => {
  if (event.key === 'Enter') search(event.shiftKey ? -1 : 1);
  if (event.key === 'Escape') { byId('search').value = ''; search(0); }
});
byId('colour').addEventListener('change', colour);
if (!measured) byId('colour').querySelector('[value=time]').remove();
summary();
show('after');
showAll(aside, act);
