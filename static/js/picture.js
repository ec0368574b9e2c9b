'use strict';
/* One picture: favourite, save, share, delete, and before and after on one card. */
(() => {
  const FRESH_MS = 4 * 60 * 1000;
  const side = document.querySelector('[data-picture]');
  const part = (name) => document.querySelector(`[data-${name}]`);
  const opened = Date.now();

  async function favourite({currentTarget: button}) {
    const wanted = button.getAttribute('aria-pressed') !== 'true';
    button.disabled = true;
    try {
      await studio.api('PATCH', side.dataset.picture, {favourite: wanted});
      button.setAttribute('aria-pressed', wanted);
      part('until').hidden = wanted;
      part('for-good').hidden = !wanted;
      studio.haptic('light');
      studio.toast(wanted ? side.dataset.kept : side.dataset.unkept);
    } catch (problem) {
      studio.toast(problem.message);
    }
    button.disabled = false;
    button.focus();
  }

  /** Links live ten minutes, so a page that stood open asks for a new one first. */
  async function save(event) {
    if (Date.now() - opened < FRESH_MS) return;
    const link = event.currentTarget;
    event.preventDefault();
    try {
      const {url} = await studio.api('GET', side.dataset.picture);
      location.assign(url + '?download=1');
    } catch (problem) {
      studio.toast(problem.message);
      link.focus();
    }
  }

  async function share() {
    try {
      const {url} = await studio.api('GET', side.dataset.picture);
      const data = await (await fetch(url)).blob();
      const name = `${side.dataset.name}.${data.type.split('/')[1]}`;
      await navigator.share({files: [new File([data], name, {type: data.type})]});
    } catch (problem) {
      if (problem.name !== 'AbortError') studio.toast(problem.code ? problem.message : document.body.dataset.broken);
    }
  }
  const canShare = () => {
    const sample = new File([''], 'picture.jpeg', {type: 'image/jpeg'});
    return Boolean(navigator.canShare?.({files: [sample]}));
  };

  /** Made within the request, and a picture of its own. */
  async function card({currentTarget: button}) {
    button.disabled = true;
    try {
      const made = await studio.api('POST', button.dataset.card);
      location.assign(`/pictures/${made.code}/`);
    } catch (problem) {
      studio.toast(problem.message);
      button.disabled = false;
    }
  }

  async function remove({currentTarget: button}) {
    if (await studio.sheet(part('confirm')) !== 'delete') return;
    button.disabled = true;
    try {
      await studio.api('DELETE', side.dataset.picture);
      location.replace(side.dataset.gallery);
    } catch (problem) {
      studio.toast(problem.message);
      button.disabled = false;
    }
  }

  /** The server speaks of its own clock; the person has another. */
  function localTime(box) {
    const words = new Intl.DateTimeFormat(document.documentElement.lang, {dateStyle: 'long', timeStyle: 'short'});
    box.textContent = words.format(new Date(box.dateTime));
  }

  document.querySelectorAll('[data-time]').forEach(localTime);
  part('favourite')?.addEventListener('click', favourite);
  part('save').addEventListener('click', save);
  part('share').addEventListener('click', share);
  part('share').hidden = !canShare();
  part('card')?.addEventListener('click', card);
  part('delete').addEventListener('click', remove);
})();
