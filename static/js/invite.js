'use strict';
/* Links to send: copy, share, and a gift made into one. */
(() => {
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      studio.toast(button.dataset.copied);
    } catch {
      // No clipboard without https: the text is selected, ready to be copied by hand.
      getSelection().selectAllChildren(document.querySelector('[data-link]'));
    }
  }

  /** Telegram's own list of chats where there is one, else the phone's sheet, else a copy. */
  function share(button) {
    const {share: url, words: text} = button.dataset;
    const telegram = `https://t.me/share/url?url=${encodeURIComponent(url)}&text=${encodeURIComponent(text)}`;
    if (studio.telegram) return studio.telegram.openTelegramLink(telegram);
    // Somebody who closes the sheet has not met an error.
    if (navigator.share) return navigator.share({url, text}).catch(() => null);
    return copy(document.querySelector('[data-copy]'));
  }

  let key = studio.uuid();
  async function give(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector('button');
    const error = form.querySelector('[data-error]');
    button.disabled = true;
    error.hidden = true;
    const wish = {units: Number(form.elements.units.value), words: form.elements.words.value.trim()};
    try {
      const gift = await studio.api('POST', form.dataset.url, wish, {key});
      location.assign(new URL(gift.link).pathname);
    } catch (problem) {
      const [first] = Object.values(problem.fields || {}).flat();
      error.textContent = first || problem.message;
      error.hidden = false;
      button.disabled = false;
      if (problem.status >= 400 && problem.status < 500) key = studio.uuid(); // else it may be given
    }
  }

  async function take(button) {
    const error = document.querySelector('[data-error]');
    button.disabled = true;
    try {
      await studio.api('POST', button.dataset.take);
      studio.haptic('success');
      location.reload();
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
      button.disabled = false;
    }
  }

  const acts = {copy, share, take};
  document.addEventListener('click', ({target}) => {
    const name = Object.keys(acts).find((act) => target.closest?.(`[data-${act}]`));
    if (name) acts[name](target.closest(`[data-${name}]`));
  });
  document.querySelector('[data-give]')?.addEventListener('submit', give);
})();
