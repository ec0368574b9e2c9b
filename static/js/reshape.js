'use strict';
/* Rotate, crop, resize: the picture is shown as it will be; the server makes it, for nothing. */
(() => {
  const SHOWN = 1280;  // pixels of the preview's longest side
  const page = document.querySelector('[data-reshape]');
  const part = (name) => document.querySelector(`[data-${name}]`);
  const [frame, canvas, image, save] = ['frame', 'canvas', 'image', 'save'].map(part);
  const {side} = page.elements;
  const [width, height, least, most] = ['width', 'height', 'least', 'most'].map((name) => Number(page.dataset[name]));
  let turn = {mirror: false, degrees: 0};

  /** Width and height of the whole picture as it is turned now. */
  const turned = () => (turn.degrees % 180 ? [height, width] : [width, height]);
  const isWhole = () => frame.box.every((value, at) => Math.abs(value - [0, 0, 1, 1][at]) < 0.001);

  /** Pixels of what is in the frame. */
  const cut = () => turned().map((length, at) => Math.round(length * frame.box[at + 2]));

  function draw() {
    const [across, down] = turned();
    const scale = Math.min(1, SHOWN / Math.max(across, down));
    [canvas.width, canvas.height] = [Math.round(across * scale), Math.round(down * scale)];
    const pen = canvas.getContext('2d');
    pen.translate(canvas.width / 2, canvas.height / 2);
    pen.rotate(turn.degrees * Math.PI / 180);
    pen.scale(turn.mirror ? -scale : scale, scale);
    pen.drawImage(image, -width / 2, -height / 2, width, height);
    part('stage').style.setProperty('--ratio', across / down);
  }

  /** The frame that is given, or the largest of the chosen shape: nearer to the top, where heads are. */
  function fit(box) {
    const [across, down] = turned();
    const [x, y] = page.elements.aspect.value.split(':').map(Number);
    frame.ratio = y ? x / y * down / across : null;
    frame.least = [least / across, least / down];
    const ratio = frame.ratio || 1;
    studio.frame.place(frame, box || (ratio <= 1 ? [(1 - ratio) / 2, 0, ratio, 1] : [0, (1 - 1 / ratio) / 3, 1, 1 / ratio]));
    framed();
  }

  /** A size that is larger than what is left makes no sense any more. */
  function framed() {
    if (Number(side.value) > Math.max(...cut())) side.value = '';
    say();
  }

  /** What comes out, and whether that is anything new. */
  function say() {
    const size = cut();
    const longest = Math.max(...size);
    side.max = Math.min(most, longest);
    side.placeholder = longest;
    const good = side.validity.valid;
    const scale = (Number(side.value) || longest) / longest;
    const words = size.map((length) => Math.round(length * scale)).join(' × ');
    part('result').textContent = good ? words : page.dataset.range.replace('{least}', side.min).replace('{most}', side.max);
    side.setAttribute('aria-invalid', !good);
    const changed = turn.mirror || turn.degrees || !isWhole() || (side.value && scale !== 1);
    save.disabled = !(changed && good);
    part('reset').disabled = !(changed || side.value || page.elements.aspect.value);
  }

  /** The frame goes with the picture, unless it must keep a shape. */
  function rotate({currentTarget: {dataset}}) {
    const [left, top, wide, high] = frame.box;
    turn.degrees = (turn.degrees + Number(dataset.turn)) % 360;
    const box = dataset.turn === '90' ? [1 - top - high, left, high, wide] : [top, 1 - left - wide, high, wide];
    redraw(frame.ratio ? null : box);
  }

  /** What is seen is mirrored, so a picture that was turned before turns the other way. */
  function mirror() {
    const [left, top, wide, high] = frame.box;
    turn = {mirror: !turn.mirror, degrees: (360 - turn.degrees) % 360};
    redraw([1 - left - wide, top, wide, high]);
  }

  function redraw(box) {
    draw();
    fit(box);
    studio.haptic('light');
  }

  function reset() {
    turn = {mirror: false, degrees: 0};
    page.reset();
    redraw();
    frame.focus({preventScroll: true});
  }

  const wish = () => ({
    ...turn,
    ...(isWhole() ? {} : {box: frame.box.map((value) => Number(value.toFixed(5)))}),
    ...(Number(side.value) && Number(side.value) !== Math.max(...cut()) ? {side: Number(side.value)} : {}),
  });

  async function make() {
    save.disabled = true;
    save.setAttribute('aria-busy', 'true');
    try {
      const made = await studio.api('POST', page.dataset.api, wish());
      studio.haptic('success');
      location.replace(`/pictures/${made.code}/`);
    } catch (problem) {
      studio.toast(problem.message);
      save.removeAttribute('aria-busy');
      say();
    }
  }

  for (const button of page.querySelectorAll('[data-turn]')) button.addEventListener('click', rotate);
  part('mirror').addEventListener('click', mirror);
  part('reset').addEventListener('click', reset);
  frame.addEventListener('frame', framed);
  side.addEventListener('input', say);
  page.addEventListener('change', ({target}) => target.name === 'aspect' && fit());
  page.addEventListener('submit', (event) => { event.preventDefault(); if (!save.disabled) make(); });
  save.addEventListener('click', make);

  image.decode().catch(() => null).then(() => {
    draw();
    fit();
    studio.frame.free(frame);
  });
})();
