'use strict';
/* A picture handed over to Telegram: to the chat, to friends, to a story. */
(() => {
  const MESSAGES_SINCE = '8.0';
  const STORIES_SINCE = '7.8';
  const box = document.querySelector('[data-hand-over]');
  const part = (name) => box.querySelector(`[data-${name}]`);
  const can = (since) => Boolean(studio.telegram?.isVersionAtLeast(since));

  /** One press at a time; a refusal is said in passing. */
  const press = (name, act) => part(name)?.addEventListener('click', async ({currentTarget: button}) => {
    button.disabled = true;
    try {
      await act(button.dataset[name]);
    } catch (problem) {
      studio.toast(problem.message);
    }
    button.disabled = false;
    button.focus();
  });

  let key = studio.uuid();
  async function send(url) {
    await studio.api('POST', url, null, {key});
    key = studio.uuid(); // after a failure the same key: it may have been sent
    box.dataset.sent = 'yes';
    studio.haptic('success');
    studio.toast(box.dataset.said);
    show();
  }

  async function pass(url) {
    const {id} = await studio.api('POST', url);
    studio.telegram.shareMessage(id, (shared) => shared && studio.toast(box.dataset.shared));
  }

  async function story(url) {
    const answer = await studio.api('POST', url);
    studio.telegram.shareToStory(answer.url);
  }

  /** What this version of Telegram can do. Its own way to share takes the place of the phone's. */
  function show() {
    const messages = can(MESSAGES_SINCE) && box.dataset.sent === 'yes';
    part('pass').hidden = !messages;
    if (messages) document.querySelector('[data-share]').hidden = true;
    if (part('story')) part('story').hidden = !can(STORIES_SINCE);
  }

  async function begin() {
    const telegram = await studio.ready;
    telegram?.onEvent('shareMessageFailed', ({error}) => {
      if (error !== 'USER_DECLINED') studio.toast(box.dataset.unshared);
    });
    show();
  }

  press('send', send);
  press('pass', pass);
  press('story', story);
  begin();
})();
