'use strict';
/* Gallery: press long, or "Select", to pick many and delete them. */
(() => {
  const HOLD_MS = 450;
  document.querySelector('.chips [aria-current]')?.scrollIntoView({inline: 'center', block: 'nearest'});
  const gallery = document.querySelector('[data-gallery]');
  const toggle = document.querySelector('[data-select]');
  const bar = document.querySelector('[data-picked]');
  if (!toggle) return;
  const words = {off: toggle.textContent, on: toggle.dataset.done};
  const picked = () => [...gallery.querySelectorAll(':checked')];

  function selecting(on) {
    gallery.classList.toggle('is-selecting', on);
    toggle.textContent = on ? words.on : words.off;
    toggle.setAttribute('aria-pressed', on);
    if (!on) for (const box of picked()) box.checked = false;
    count();
  }

  function count() {
    const number = picked().length;
    bar.hidden = !number;
    bar.querySelector('[data-count]').textContent = number;
  }

  // --- long press: the click that ends it must not open the picture ---

  let holding;
  let held = false;
  gallery.addEventListener('pointerdown', ({target, button}) => {
    const tile = target.closest('[data-tile]');
    held = false;
    if (!tile || button) return;
    holding = setTimeout(() => hold(tile), HOLD_MS);
  });
  for (const kind of ['pointerup', 'pointercancel', 'pointerleave', 'scroll']) {
    document.addEventListener(kind, () => clearTimeout(holding), true);
  }
  gallery.addEventListener('click', (event) => { if (held) event.preventDefault(); held = false; }, true);
  gallery.addEventListener('contextmenu', (event) => { if (held) event.preventDefault(); });

  function hold(tile) {
    if (gallery.classList.contains('is-selecting')) return;
    held = true;
    studio.haptic('light');
    selecting(true);
    tile.querySelector('input').checked = true;
    count();
  }

  // --- deleting ---

  async function remove() {
    const button = bar.querySelector('[data-delete]');
    const answer = await studio.sheet(document.querySelector('[data-confirm]'));
    if (answer !== 'delete') return;
    button.disabled = true;
    try {
      for (const box of picked()) await removeOne(box.closest('[data-tile]'));
      studio.toast(gallery.dataset.deleted);
      studio.haptic('success');
    } catch (problem) {
      studio.toast(problem.message);
    }
    button.disabled = false;
    settle();
  }

  async function removeOne(tile) {
    try {
      await studio.api('DELETE', `${gallery.dataset.api}${tile.dataset.tile}/`);
    } catch (problem) {
      // Gone already, from another window: that is what was wanted.
      if (problem.status !== 404) throw problem;
    }
    const day = tile.closest('[data-day]');
    tile.remove();
    if (!day.querySelector('[data-tile]')) day.remove();
    count();
  }

  function settle() {
    if (!gallery.querySelector('[data-tile]')) return location.reload();
    if (!picked().length) selecting(false);
  }

  toggle.addEventListener('click', () => selecting(!gallery.classList.contains('is-selecting')));
  gallery.addEventListener('change', count);
  bar.addEventListener('click', ({target}) => { if (target.closest('[data-delete]')) remove(); });
  document.addEventListener('keydown', ({key}) => {
    if (key === 'Escape' && !document.querySelector('dialog[open]')) selecting(false);
  });
})();
