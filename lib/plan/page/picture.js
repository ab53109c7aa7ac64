/* Draws a view as SVG, moves and scales it, and tells who was clicked. */
function svg(name, attributes, parent) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (parent) parent.appendChild(element);
  return element;
}

function Picture(canvas, map, onPick) {
  const scene = svg('g', {}, canvas);
  let view = {boxes: [], edges: []}, at = {x: 0, y: 0, scale: 1};

  function apply() {
    scene.setAttribute('transform', `translate(${at.x} ${at.y}) scale(${at.scale})`);
    canvas.classList.toggle('far', at.scale < 0.4);
    drawMap();
  }

  function drawBox(item, i) {
    const kind = item.kind === 'input' || item.kind === 'output' ? 'port' : item.launches.length ? 'launched' : 'gone';
    const group = svg('g', {class: `node ${kind}${item.kind === 'launch' ? ' whole' : ''}`,
                            transform: `translate(${item.x} ${item.y})`, 'data-box': i}, scene);
    svg('rect', {x: -item.w / 2, y: -item.h / 2, width: item.w, height: item.h, rx: kind === 'port' ? item.h / 2 : 5}, group);
    svg('text', {y: item.second ? -3 : 4}, group).textContent = item.title;
    if (item.second) svg('text', {y: 11, class: 'second'}, group).textContent = words(item.second, Math.floor((item.w - 8) / 5.4));
    svg('title', {}, group).textContent = `${item.title}\n${item.second}`;
    item.element = group;
  }

  function extent() {
    const e = {left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity};
    for (const b of view.boxes) {
      e.left = Math.min(e.left, b.x - b.w / 2);
      e.right = Math.max(e.right, b.x + b.w / 2);
      e.top = Math.min(e.top, b.y - b.h / 2);
      e.bottom = Math.max(e.bottom, b.y + b.h / 2);
    }
    return view.boxes.length ? e : {left: 0, right: 1, top: 0, bottom: 1};
  }

  /* The whole graph in small, with what is seen of it. */
  function mapScale() {
    const e = extent(), w = map.clientWidth, h = map.clientHeight;
    const sx = Math.min(0.15, w / (e.right - e.left + 40)), sy = Math.min(0.15, h / (e.bottom - e.top + 40));
    return {sx, sy, x: w / 2 - sx * (e.left + e.right) / 2, y: 6 - sy * e.top};
  }
  let mapImage = null;
  function drawMap() {
    const w = map.clientWidth, h = map.clientHeight, pen = map.getContext('2d');
    if (!w || !h) return;
    const m = mapScale();
    if (!mapImage) {
      map.width = w;
      map.height = h;
      for (const b of view.boxes) {
        pen.fillStyle = b.launches.length ? `hsl(${hue(b)} 50% 55%)` : '#8a93a0';
        pen.fillRect(m.x + m.sx * (b.x - b.w / 2), m.y + m.sy * (b.y - b.h / 2), Math.max(1.5, m.sx * b.w), Math.max(1, m.sy * b.h));
      }
      mapImage = pen.getImageData(0, 0, w, h);
    }
    pen.putImageData(mapImage, 0, 0);
    pen.strokeStyle = getComputedStyle(document.body).color;
    pen.strokeRect(m.x - m.sx * at.x / at.scale, m.y - m.sy * at.y / at.scale, m.sx * canvas.clientWidth / at.scale,
                   m.sy * canvas.clientHeight / at.scale);
  }
  function jump(event) {
    const m = mapScale(), r = map.getBoundingClientRect();
    at.x = canvas.clientWidth / 2 - at.scale * (event.clientX - r.left - m.x) / m.sx;
    at.y = canvas.clientHeight / 2 - at.scale * (event.clientY - r.top - m.y) / m.sy;
    apply();
  }
  map.addEventListener('pointerdown', event => { map.setPointerCapture(event.pointerId); jump(event); });
  map.addEventListener('pointermove', event => { if (event.buttons) jump(event); });

  let hue = item => hueOf(item.launches[0]);

  function zoom(factor, x, y) {
    const scale = Math.min(3, Math.max(0.02, at.scale * factor));
    at.x = x - (x - at.x) * scale / at.scale;
    at.y = y - (y - at.y) * scale / at.scale;
    at.scale = scale;
    apply();
  }
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    const r = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - r.left, event.clientY - r.top);
  }, {passive: false});
  let drag = null;
  canvas.addEventListener('pointerdown', event => { drag = {x: event.clientX, y: event.clientY, far: false}; });
  window.addEventListener('pointermove', event => {
    if (!drag || !event.buttons) return;
    if (Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y) > 4) drag.far = true;
    if (!drag.far) return;
    canvas.classList.add('moving');
    at.x += event.clientX - drag.x;
    at.y += event.clientY - drag.y;
    drag.x = event.clientX;
    drag.y = event.clientY;
    apply();
  });
  window.addEventListener('pointerup', () => { canvas.classList.remove('moving'); });
  function picked(event) {
    const group = event.target.closest ? event.target.closest('.node') : null;
    return group ? view.boxes[Number(group.dataset.box)] : null;
  }
  canvas.addEventListener('click', event => { if (!drag || !drag.far) onPick(picked(event), false); });
  canvas.addEventListener('dblclick', event => { if (picked(event)) onPick(picked(event), true); });
  window.addEventListener('resize', () => { mapImage = null; apply(); });

  return {
    show(next) {
      view = next;
      mapImage = null;
      scene.textContent = '';
      layered(view.boxes, view.edges).paths.forEach((d, i) => {
        view.boxes[i].edge = d ? svg('path', {class: 'edge', d}, scene) : null;
      });
      view.boxes.forEach(drawBox);
      this.colour(hue);
      this.start();
    },
    /* Readable, from the top. */
    start() {
      const e = extent(), w = canvas.clientWidth;
      at.scale = Math.max(0.55, Math.min(1, (w - 130) / (e.right - e.left)));
      const first = view.boxes.reduce((a, b) => !a || b.y < a.y ? b : a, null);
      const middle = (e.right - e.left) * at.scale < w - 110 ? (e.left + e.right) / 2 : first ? first.x : 0;
      at.x = (w - 100) / 2 - at.scale * middle;
      at.y = 64 - at.scale * e.top;
      apply();
    },
    fit() {
      const e = extent();
      at.scale = Math.min(1, (canvas.clientWidth - 130) / (e.right - e.left), (canvas.clientHeight - 90) / (e.bottom - e.top));
      at.x = (canvas.clientWidth - 100) / 2 - at.scale * (e.left + e.right) / 2;
      at.y = 64 - at.scale * e.top;
      apply();
    },
    zoom(factor) { zoom(factor, canvas.clientWidth / 2, canvas.clientHeight / 2); },
    centre(item) {
      at.scale = Math.max(at.scale, 0.7);
      at.x = canvas.clientWidth / 2 - at.scale * item.x;
      at.y = canvas.clientHeight / 2 - at.scale * item.y;
      apply();
    },
    colour(of) {
      hue = of;
      mapImage = null;
      for (const b of view.boxes) if (b.launches.length) b.element.style.setProperty('--h', hue(b));
      apply();
    },
    /* Lights what is chosen, and the edges that lead to and from it. */
    light(chosen) {
      const on = new Set(view.boxes.map((b, i) => chosen(b) ? i : -1).filter(i => i >= 0));
      const near = new Set();
      for (const b of view.boxes) if (b.edge) b.edge.classList.remove('lit');
      for (const [a, b] of view.edges) {
        if (on.has(a) === on.has(b)) continue;
        near.add(on.has(a) ? b : a);
        view.boxes[a].edge.classList.add('lit');
      }
      view.boxes.forEach((b, i) => {
        b.element.classList.toggle('lit', on.has(i));
        b.element.classList.toggle('near', near.has(i) && !on.has(i));
      });
    },
    /* Fades what does not match; null shows everything. */
    search(match) {
      scene.classList.toggle('dim', match !== null);
      const hits = view.boxes.filter(b => {
        const hit = match !== null && match(b);
        b.element.classList.toggle('hit', hit);
        return hit;
      });
      return hits;
    },
    boxes: () => view.boxes
  };
}
