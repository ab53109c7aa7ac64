/* The three pictures of a plan as boxes and edges: the graph as it was described, before fusion, and after it. In the
 * second one, launches that are closed are one box; the third is the second with all of them closed. */
const plan = JSON.parse(document.getElementById('plan').textContent);
const hueOf = launch => Math.round(launch * 137.508 % 360);

/* Which launches compute a node of the fused and of the described graph. */
plan.fused.nodes.forEach(node => { node.launches = []; });
plan.given.nodes.forEach(node => { node.launches = []; });
plan.launches.forEach((launch, l) => {
  launch.members = new Set(launch.nodes);
  launch.given = [];
  for (const n of launch.nodes) {
    const node = plan.fused.nodes[n], given = plan.given.nodes[node.origin];
    node.launches.push(l);
    if (!given || given.launches.includes(l)) continue;
    given.launches.push(l);
    launch.given.push(node.origin);
  }
});

function words(text, most) { return text.length > most ? text.slice(0, most - 1) + '\u2026' : text; }

/* The end of a path says more than its beginning. */
function tail(text, most) { return text.length > most ? '\u2026' + text.slice(1 - most) : text; }

function box(kind, number, title, second, launches) {
  const long = Math.max(title.length * 7, second.length * 5.6);
  return {kind, number, title, second, launches, w: Math.max(56, Math.min(230, long + 18)), h: second ? 36 : 24};
}

function portBoxes(graph) {
  return graph.inputs.map((port, i) => box('input', i, words(port.name, 28), words(port.type, 36), []));
}

function nodeBox(node, n) {
  return box('node', n, node.op, node.name ? tail(node.name, 34) : words(node.type, 34), node.launches);
}

function launchBox(l) {
  const launch = plan.launches[l], names = launch.nodes.map(n => plan.fused.nodes[n].op);
  const made = box('launch', l, `${l + 1} \u00b7 ${launch.strategy}`, words(names.join(' '), 38), [l]);
  made.title = words(made.title, 30);
  made.h = 40;
  return made;
}

function outputBoxes(graph, boxes, edges, find) {
  graph.outputs.forEach((port, i) => {
    const from = find(port.from);
    if (from !== undefined) edges.push([from, boxes.length]);
    boxes.push(box('output', i, words(port.name, 28), words(port.type, 36), []));
  });
}

function describedView() {
  const graph = plan.given, boxes = portBoxes(graph), edges = [], first = boxes.length;
  const find = from => from >= 0 ? first + from : from <= -3 ? -3 - from : undefined;
  graph.nodes.forEach((node, n) => {
    for (const from of node.in) if (find(from) !== undefined) edges.push([find(from), boxes.length]);
    boxes.push(nodeBox(node, n));
  });
  outputBoxes(graph, boxes, edges, find);
  return {boxes, edges};
}

/* closed: the launches that are one box each. A view that several launches compute for themselves is drawn for those
 * that are open. */
function fusedView(closed) {
  const graph = plan.fused, boxes = portBoxes(graph), edges = [];
  const ofNode = new Map(), ofLaunch = new Map();
  graph.nodes.forEach((node, n) => {
    const open = node.launches.length ? node.launches.filter(l => !closed.has(l)) : closed.size ? [] : [-1];
    if (!open.length) return;
    ofNode.set(n, boxes.length);
    boxes.push(nodeBox(node, n));
  });
  for (const l of closed) {
    ofLaunch.set(l, boxes.length);
    boxes.push(launchBox(l));
  }
  const find = from => {
    if (from < 0) return from <= -3 ? -3 - from : undefined;
    return ofNode.has(from) ? ofNode.get(from) : ofLaunch.get(graph.nodes[from].launches[0]);
  };
  const connect = (node, to, inside) => {
    for (const from of node.in)
      if (!inside || !inside.has(from)) {
        const at = find(from);
        if (at !== undefined && at !== to) edges.push([at, to]);
      }
  };
  for (const [n, at] of ofNode) connect(graph.nodes[n], at, null);
  for (const [l, at] of ofLaunch) for (const n of plan.launches[l].nodes) connect(graph.nodes[n], at, plan.launches[l].members);
  outputBoxes(graph, boxes, edges, find);
  return {boxes, edges};
}
