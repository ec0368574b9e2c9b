'use strict';
/* Imagine: words, a shape, how many; the price follows. */
(() => {
  const form = document.querySelector('[data-imagine]');
  const prompt = form.elements.prompt;
  const counter = form.querySelector('[data-counter]');
  const problem = form.querySelector('[data-problem]');
  const send = document.querySelector('[data-send]');
  const count = form.querySelector('[data-count]');

  function wrote() {
    counter.textContent = counter.dataset.says.replace('{left}', prompt.maxLength - prompt.value.length);
    counter.hidden = prompt.value.length < prompt.maxLength * 0.8;
    send.disabled = !prompt.value.trim();
    sessionStorage.setItem('imagine', prompt.value);
    studio.main();
  }

  function step(by) {
    const number = Math.max(1, Math.min(4, Number(count.value) + by));
    if (number === Number(count.value)) return;
    count.value = number;
    edges(number);
    studio.haptic('light');
    cost(number);
  }

  function edges(number) {
    form.querySelector('[data-by="-1"]').disabled = number === 1;
    form.querySelector('[data-by="1"]').disabled = number === 4;
  }

  let asked = 0;
  /** Answers may overtake each other: only the one for the number on the screen counts. */
  function cost(number) {
    clearTimeout(asked);
    asked = setTimeout(() => studio.price.show('imagine', number).catch(() => null), 120);
  }

  function wish() {
    const aspect = form.querySelector('[name=aspect]:checked').value;
    return {tool: 'imagine', prompt: prompt.value.trim(), aspect, count: Number(count.value)};
  }

  async function ask() {
    if (send.disabled) return;
    problem.hidden = true;
    try {
      const job = await studio.asking.send(send, wish());
      sessionStorage.removeItem('imagine');
      studio.asking.follow(send, job);
    } catch (error) {
      studio.asking.explain(problem, error);
    }
  }

  prompt.addEventListener('input', wrote);
  prompt.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) ask();
  });
  form.addEventListener('submit', (event) => { event.preventDefault(); ask(); });
  send.addEventListener('click', ask);
  form.addEventListener('click', ({target}) => {
    const by = target.closest('[data-by]');
    if (by) step(Number(by.dataset.by));
    const idea = target.closest('[data-idea]');
    if (idea) { prompt.value = idea.textContent.trim(); wrote(); prompt.focus(); }
  });

  const given = new URLSearchParams(location.search).get('prompt');
  prompt.value = given || prompt.value || sessionStorage.getItem('imagine') || '';
  edges(1);
  wrote();
})();
