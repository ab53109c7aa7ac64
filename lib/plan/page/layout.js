/* Draws a graph without cycles in layers, from the top down. Long edges of one source share a trunk, so that a value
 * which every layer of a model reads is one line. nodes: [{w, h}], edges: [[from, to]]. Gives every node x and y (its
 * middle) and every source a path. */
function layered(nodes, edges) {
  const MOST_BENDS = 30000, GAP = 16, BEND = 10, STEP = 30;
  const count = nodes.length, ins = nodes.map(() => []), outs = nodes.map(() => []);
  const seen = new Set();
  for (const [a, b] of edges) {
    if (a === b || seen.has(a * count + b)) continue;
    seen.add(a * count + b);
    outs[a].push(b);
    ins[b].push(a);
  }

  /* The layer of a node: below everything it reads; what reads one value at most moves down to its reader. */
  const layer = new Int32Array(count), left = ins.map(list => list.length), order = [];
  const ready = [];
  for (let i = 0; i < count; i++) if (!left[i]) ready.push(i);
  for (let at = 0; at < ready.length; at++) {
    const i = ready[at];
    order.push(i);
    for (const o of outs[i]) {
      layer[o] = Math.max(layer[o], layer[i] + 1);
      if (--left[o] === 0) ready.push(o);
    }
  }
  for (let at = order.length; at-- > 0;) {
    const i = order[at];
    if (!outs[i].length || ins[i].length > 1) continue;
    let lowest = Infinity;
    for (const o of outs[i]) lowest = Math.min(lowest, layer[o] - 1);
    layer[i] = Math.max(layer[i], lowest);
  }

  /* Items are nodes, then bends. A trunk has a bend in every layer that it passes. */
  const spans = outs.map((list, i) => list.reduce((most, o) => Math.max(most, layer[o] - layer[i] - 1), 0));
  let room = MOST_BENDS, limit = Infinity;
  for (const span of [...spans].sort((a, b) => a - b)) {
    if (span > room) { limit = span; break; }
    room -= span;
  }
  const depth = count ? Math.max(...layer) + 1 : 0, layers = Array.from({length: depth}, () => []);
  const up = nodes.map(() => []), down = nodes.map(() => []), width = nodes.map(node => node.w + GAP), level = Array.from(layer);
  const links = nodes.map(() => []);
  const link = (source, a, b) => { links[source].push([a, b]); down[a].push(b); up[b].push(a); };
  for (const i of order) layers[layer[i]].push(i);
  for (let i = 0; i < count; i++) if (left[i] > 0) layers[layer[i]].push(i); /* only of a graph with a cycle */
  for (const i of order) {
    const direct = spans[i] >= limit, trunk = [i];
    for (let s = 1; s <= spans[i] && !direct; s++) {
      const bend = up.push([]) - 1;
      down.push([]);
      width.push(BEND);
      level.push(layer[i] + s);
      layers[layer[i] + s].push(bend);
      link(i, trunk[s - 1], bend);
      trunk.push(bend);
    }
    for (const o of outs[i]) {
      const from = direct ? i : trunk[Math.max(0, layer[o] - layer[i] - 1)];
      if (direct) links[i].push([i, o]);
      else link(i, from, o);
    }
  }

  /* The order within a layer: by the middle of what is above, then of what is below, in turns. */
  const rank = new Float64Array(up.length), key = new Float64Array(up.length);
  for (const row of layers) row.forEach((item, i) => { rank[item] = i; });
  const mean = (list, values, otherwise) => {
    if (!list.length) return otherwise;
    let sum = 0;
    for (const item of list) sum += values[item];
    return sum / list.length;
  };
  const sort = (row, near) => {
    for (const item of row) key[item] = mean(near[item], rank, rank[item]);
    row.sort((a, b) => key[a] - key[b]);
    row.forEach((item, i) => { rank[item] = i; });
  };
  for (let round = 0; round < 6; round++) {
    for (let l = 1; l < depth; l++) sort(layers[l], up);
    for (let l = depth - 1; l-- > 0;) sort(layers[l], down);
  }

  /* Where in its layer: as near to its neighbours' mean as the order and the widths allow. Items that want to be too
   * close form a block, which lies where its members would like it on average. */
  const x = new Float64Array(up.length);
  const place = (row, wish) => {
    const blocks = [];
    let offset = 0;
    row.forEach((item, i) => {
      if (i) offset += (width[row[i - 1]] + width[item]) / 2;
      const weight = item < count ? 1 : 3;
      let block = {first: i, weight, sum: weight * (wish(item) - offset), offsets: [offset]};
      while (blocks.length && blocks[blocks.length - 1].sum / blocks[blocks.length - 1].weight >= block.sum / block.weight) {
        const before = blocks.pop();
        before.weight += block.weight;
        before.sum += block.sum;
        before.offsets.push(...block.offsets);
        block = before;
      }
      blocks.push(block);
    });
    for (const block of blocks)
      block.offsets.forEach((from, i) => { x[row[block.first + i]] = block.sum / block.weight + from; });
  };
  /* Every layer begins around the middle, and both sides pull: pulled from one side only, a picture drifts. */
  const both = up.map((list, i) => list.concat(down[i]));
  for (const row of layers) place(row, () => 0);
  for (let round = 0; round < 12; round++) {
    for (let l = 0; l < depth; l++) place(layers[l], item => mean(both[item], x, x[item]));
    for (let l = depth; l-- > 0;) place(layers[l], item => mean(both[item], x, x[item]));
  }

  const top = [];
  let y = 0;
  for (const row of layers) {
    let height = 0;
    for (const item of row) if (item < count) height = Math.max(height, nodes[item].h);
    top.push(y + height / 2);
    y += height + STEP;
  }
  nodes.forEach((node, i) => { node.x = x[i]; node.y = top[layer[i]]; });
  const half = item => item < count ? nodes[item].h / 2 : 0;
  const path = list => list.map(([a, b]) => {
    const ax = x[a].toFixed(1), bx = x[b].toFixed(1), ay = top[level[a]] + half(a), by = top[level[b]] - half(b);
    const mid = ((ay + by) / 2).toFixed(1);
    const head = b < count ? `m-3.5 -6L${bx} ${by}l3.5 -6` : '';
    return `M${ax} ${ay}C${ax} ${mid} ${bx} ${mid} ${bx} ${by}${head}`;
  }).join('');
  return {paths: links.map(path)};
}
