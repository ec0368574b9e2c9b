'use strict';
/* A frame over a photo: dragged, resized at its corners, or moved by the arrow keys. The box is
   [left, top, width, height] in fractions of the photo. Where frame.ratio is set, the frame keeps
   that many times its height as its width; frame.least is the smallest width and height. */
studio.frame = (() => {
  const SMALLEST = 0.06;
  const STEP = 0.02;
  const MIDDLE = [0.25, 0.3, 0.5, 0.45];

  /** Put the frame there; without a box, in the middle. */
  function place(frame, box) {
    frame.box = box || MIDDLE;
    ['--left', '--top', '--width', '--height'].forEach((name, at) => {
      frame.style.setProperty(name, `${frame.box[at] * 100}%`);
    });
    frame.hidden = false;
  }

  const within = (value, least, most) => Math.max(least, Math.min(most, value));

  function moved([left, top, width, height], dx, dy) {
    return [within(left + dx, 0, 1 - width), within(top + dy, 0, 1 - height), width, height];
  }

  /** The corner opposite to the one that is dragged stays where it is. */
  function resized(frame, [left, top, width, height], corner, dx, dy) {
    const [leastX, leastY] = frame.least || [SMALLEST, SMALLEST];
    const [west, north] = [corner.includes('w'), corner.includes('n')];
    const [right, bottom] = [left + width, top + height];
    const x1 = west ? within(left + dx, 0, right - leastX) : left;
    const y1 = north ? within(top + dy, 0, bottom - leastY) : top;
    const x2 = west ? right : within(right + dx, left + leastX, 1);
    const y2 = north ? bottom : within(bottom + dy, top + leastY, 1);
    if (!frame.ratio) return [x1, y1, x2 - x1, y2 - y1];
    const wanted = Math.abs(dx) > Math.abs(dy) ? x2 - x1 : (y2 - y1) * frame.ratio;
    const room = Math.min(west ? right : 1 - left, (north ? bottom : 1 - top) * frame.ratio);
    const across = Math.min(room, Math.max(wanted, leastX, leastY * frame.ratio));
    const down = across / frame.ratio;
    return [west ? right - across : left, north ? bottom - down : top, across, down];
  }

  function change(frame, box) {
    place(frame, box);
    frame.dispatchEvent(new CustomEvent('frame', {bubbles: true, detail: frame.box}));
  }

  function grab(frame, event) {
    if (!('free' in frame.dataset)) return;
    event.preventDefault();
    const {width, height} = frame.parentElement.getBoundingClientRect();
    const [x, y, box, corner] = [event.clientX, event.clientY, frame.box, event.target.dataset.corner];
    frame.setPointerCapture(event.pointerId);
    frame.onpointermove = (to) => {
      const by = [(to.clientX - x) / width, (to.clientY - y) / height];
      change(frame, corner ? resized(frame, box, corner, ...by) : moved(box, ...by));
    };
    frame.onpointerup = frame.onpointercancel = () => { frame.onpointermove = null; };
  }

  function press(frame, event) {
    const by = {ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP]}[event.key];
    if (!by || !('free' in frame.dataset)) return;
    event.preventDefault();
    change(frame, event.shiftKey ? resized(frame, frame.box, 'se', ...by) : moved(frame.box, ...by));
  }

  /** Let the person move it. */
  function free(frame) {
    frame.dataset.free = '';
    frame.tabIndex = 0;
  }
  function fix(frame) {
    delete frame.dataset.free;
    frame.removeAttribute('tabindex');
  }

  for (const frame of document.querySelectorAll('[data-frame]')) {
    frame.addEventListener('pointerdown', (event) => grab(frame, event));
    frame.addEventListener('keydown', (event) => press(frame, event));
  }
  return {place, free, fix};
})();
