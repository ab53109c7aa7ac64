/* Opened with #selftest the page tries itself: it shows every picture, clicks every launch, and writes what it saw into
 * the document as JSON, for tests without a person. */
function selftest() {
  const seen = {views: {}, launches: [], errors, totals: plan.totals};
  for (const button of byId('views').children) {
    const start = performance.now();
    button.click();
    const boxes = picture.boxes(), lefts = boxes.map(b => b.x - b.w / 2);
    let overlaps = 0;
    const rows = new Map();
    boxes.forEach(b => { rows.has(b.y) ? rows.get(b.y).push(b) : rows.set(b.y, [b]); });
    for (const row of rows.values()) {
      row.sort((a, b) => a.x - b.x);
      for (let i = 1; i < row.length; i++) overlaps += row[i].x - row[i].w / 2 < row[i - 1].x + row[i - 1].w / 2;
    }
    seen.views[button.dataset.view] = {
      boxes: boxes.length, drawn: document.querySelectorAll('#canvas .node').length, overlaps,
      edges: document.querySelectorAll('#canvas .edge').length,
      finite: lefts.every(Number.isFinite), ms: Math.round(performance.now() - start)
    };
  }
  show('after');
  for (const b of picture.boxes()) {
    if (b.kind !== 'launch') continue;
    b.element.dispatchEvent(new MouseEvent('click', {bubbles: true}));
    const text = id => byId(id) ? byId(id).textContent : null;
    const pre = aside.querySelector('pre');
    seen.launches[b.number] = {
      head: aside.querySelector('h2').textContent, kind: plan.launches[b.number].kind, bytes: text('launch-bytes'), time: text('launch-time'),
      roofline: text('launch-roofline'), operators: aside.querySelectorAll('li').length, source: pre ? pre.textContent.length : 0
    };
  }
  /* One launch is closed before fusion, and a node of another one is found by searching. */
  show('before');
  const before = picture.boxes().length, first = picture.boxes().find(b => b.launches.length);
  if (first) first.element.dispatchEvent(new MouseEvent('dblclick', {bubbles: true}));
  seen.closed = {before, after: picture.boxes().length};
  byId('search').value = plan.fused.nodes.length ? plan.fused.nodes[plan.fused.nodes.length - 1].op : '';
  search(0);
  seen.found = hits.length;
  byId('search').value = '';
  search(0);
  /* What the page was made of: nothing that loads, nothing that a name smuggled in. */
  seen.foreign = document.querySelectorAll('img,iframe,object,embed,link,base,[src],[onerror],[onload],[onclick]').length;
  seen.scripts = document.scripts.length;
  el('pre', JSON.stringify(seen), '', document.body).id = 'selftest';
}
if (location.hash === '#selftest') selftest();
/* #after/3 and the like open a picture at a launch. */
const wanted = /^#(given|before|after)(?:\/(\d+))?$/.exec(location.hash);
if (wanted) {
  show(wanted[1]);
  if (wanted[2] && plan.launches[wanted[2] - 1]) act.launch(wanted[2] - 1);
}
