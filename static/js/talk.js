'use strict';
/* What the assistant proposes: three prompts. One unfolds at a time, can be changed, and is drawn. */
(() => {
  const stream = document.querySelector('[data-stream]');
  const part = (card, name) => card.querySelector(`[data-${name}]`);

  function unfold(card) {
    for (const other of stream.querySelectorAll('[data-proposal].is-open')) fold(other);
    show(card, true);
    studio.editor.fit(part(card, 'wording'));
    card.scrollIntoView({block: 'nearest'});
  }

  /** What was changed stays: the folded card says it. */
  function fold(card) {
    part(card, 'said').textContent = part(card, 'wording').value.trim() || part(card, 'said').textContent;
    show(card, false);
  }

  function show(card, open) {
    card.classList.toggle('is-open', open);
    part(card, 'unfold').setAttribute('aria-expanded', open);
    part(card, 'desk').hidden = !open;
  }

  async function draw(card, button) {
    const text = part(card, 'wording').value.trim();
    if (!text || button.disabled) return;
    const held = card.contains(document.activeElement);
    const asked = studio.editor.ask('edit', text, button);
    fold(card);
    if (held) part(card, 'unfold').focus({preventScroll: true});
    card.classList.toggle('is-drawn', Boolean(await asked) || card.classList.contains('is-drawn'));
  }

  stream.addEventListener('click', ({target}) => {
    const card = target.closest('[data-proposal]');
    if (!card) return;
    if (target.closest('[data-draw]')) draw(card, part(card, 'draw'));
    else if (target.closest('[data-unfold]')) card.classList.contains('is-open') ? fold(card) : unfold(card);
  });

  stream.addEventListener('input', ({target}) => {
    if (!target.matches('[data-wording]')) return;
    studio.editor.fit(target);
    part(target.closest('[data-proposal]'), 'draw').disabled = !target.value.trim();
  });

  stream.addEventListener('keydown', ({key, target}) => {
    const card = target.closest('[data-proposal].is-open');
    if (key !== 'Escape' || !card) return;
    fold(card);
    part(card, 'unfold').focus();
  });
})();
