'use strict';
/* Profile: language, API keys, signing out. */
(() => {
  const part = (name, within = document) => within.querySelector(`[data-${name}]`);
  const keys = part('keys');

  // --- language ---

  async function speak({target}) {
    try {
      await studio.api('PATCH', part('languages').dataset.languages, {language: target.value});
      location.reload();
    } catch (problem) {
      studio.toast(problem.message);
    }
  }

  // --- API keys ---

  async function make(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector('button');
    button.disabled = true;
    complain(form, '');
    try {
      const key = await studio.api('POST', keys.dataset.keys, {name: form.elements.name.value});
      form.reset();
      form.closest('dialog').close();
      add(key);
      show(key.key);
    } catch (problem) {
      complain(form, problem.fields?.name?.[0] || problem.message);
    }
    button.disabled = false;
  }

  function complain(form, text) {
    const box = part('error', form);
    box.textContent = text;
    box.hidden = !text;
    form.elements.name.setAttribute('aria-invalid', Boolean(text));
  }

  function add({code, name, start}) {
    const row = part('row').content.cloneNode(true);
    part('key', row).dataset.key = code;
    part('name', row).textContent = name;
    part('start', row).textContent = start;
    part('list').prepend(row);
  }

  /** The key is in the page while the sheet is open, and then nowhere. */
  async function show(text) {
    part('secret').textContent = text;
    await studio.sheet(part('shown'));
    part('secret').textContent = '';
  }

  async function copy({currentTarget: button}) {
    try {
      await navigator.clipboard.writeText(part('secret').textContent);
      part('copy-text').textContent = button.dataset.copied;
    } catch {
      // No clipboard without https: the text is selected, ready to be copied by hand.
      getSelection().selectAllChildren(part('secret'));
    }
  }

  async function revoke(row) {
    const dialog = part('revoke-sheet');
    part('which', dialog).textContent = part('name', row).textContent;
    if (await studio.sheet(dialog) !== 'revoke') return;
    try {
      await studio.api('DELETE', `${keys.dataset.keys}${row.dataset.key}/`);
      row.closest('li').remove();
    } catch (problem) {
      studio.toast(problem.message);
    }
  }

  // --- erasing ---

  async function erase({currentTarget: button}) {
    if (await studio.sheet(part('erase-sheet')) !== 'erase') return;
    button.disabled = true;
    try {
      await studio.api('POST', button.dataset.erase);
      location.replace(document.body.dataset.signIn);
    } catch (problem) {
      studio.toast(problem.message);
      button.disabled = false;
    }
  }

  // --- signing out ---

  async function signOut({currentTarget: button}) {
    button.disabled = true;
    try {
      await studio.api('DELETE', button.dataset.signOut);
      location.replace(document.body.dataset.signIn);
    } catch (problem) {
      studio.toast(problem.message);
      button.disabled = false;
    }
  }

  part('languages').addEventListener('change', speak);
  part('new-key').addEventListener('submit', make);
  part('copy').addEventListener('click', copy);
  keys.addEventListener('click', ({target}) => {
    if (target.closest('[data-revoke]')) revoke(target.closest('[data-key]'));
  });
  document.querySelector('button[data-erase]')?.addEventListener('click', erase);
  document.querySelector('button[data-sign-out]').addEventListener('click', signOut);
})();
