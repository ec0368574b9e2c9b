'use strict';
/* The job's page: again, variation, try again, save, share. live.js moves the bar. */
(() => {
  const current = () => document.querySelector('[data-job]');
  const fresh = () => studio.api('GET', current().dataset.url);

  /** The recipe as a request; without its seed it is another picture of the same. */
  function wish({tool, recipe}) {
    const {provider, model, ...asked} = recipe;
    const body = {tool, ...asked};
    if (tool !== 'imagine') delete body.count;
    if (tool === 'tryon') { delete body.aspect; delete body.prompt; }
    return body;
  }

  async function repeat(button) {
    const body = wish(await fresh());
    if (button.dataset.repeat === 'variation') delete body.seed;
    await go(button, body);
  }

  async function go(button, body, path) {
    const job = await studio.asking.send(button, body, path);
    studio.asking.follow(button, job);
  }

  /** Links live ten minutes, so a page that was left open asks for a new one. */
  async function result() {
    return (await fresh()).results[0];
  }

  async function save() {
    location.assign((await result()).url + '?download=1');
  }

  async function share() {
    const {url, code} = await result();
    const blob = await (await fetch(url)).blob();
    const file = new File([blob], `${code}.${blob.type.split('/')[1]}`, {type: blob.type});
    if (!navigator.canShare?.({files: [file]})) return save();
    // Somebody who closes the sheet has not met an error.
    await navigator.share({files: [file]}).catch(() => null);
  }

  const acts = {
    repeat,
    retry: (button) => go(button, undefined, button.dataset.retry),
    save,
    share,
  };

  document.addEventListener('click', async (event) => {
    const name = Object.keys(acts).find((act) => event.target.closest?.(`[data-${act}]`));
    const button = name && event.target.closest(`[data-${name}]`);
    if (!button || button.disabled) return;
    event.preventDefault();
    const problem = document.querySelector('[data-problem]');
    problem.hidden = true;
    await acts[name](button).catch((error) => studio.asking.explain(problem, error));
  });

  /** Today's price on the buttons that cost something. */
  function prices() {
    const {state, tool, count} = current().dataset;
    if (['done', 'failed', 'cancelled'].includes(state)) studio.price.show(tool, count).catch(() => null);
    for (const button of document.querySelectorAll('[data-share]')) button.hidden = !navigator.canShare;
  }
  document.addEventListener('job-ended', prices);
  prices();
})();
