'use strict';
/* Jobs as they go: one socket for a job (or for all of a person's), the same JSON as the API.
   The page asks again by itself after a gap, and asks every few seconds where sockets do not work. */
studio.live = (() => {
  const FINAL = ['done', 'failed', 'cancelled'];
  const SIGN_IN = 4401;
  const GONE = 4404;
  const SERVER_RESTARTS = 1012;
  const ELSEWHERE_MS = 500;
  const TOLD_MS = 1000;
  const POLL_MS = 3000;
  const POLL_AFTER = 2;
  const channels = new Map();

  // --- which socket watches what ---------------------------------------------------------

  /** Follow a job: an element with data-job, data-url, data-fragment, data-version, data-state. */
  function watch(element) {
    if (FINAL.includes(element.dataset.state)) return;
    const mine = element.closest('[data-live="me"]');
    const channel = channelAt(mine ? '/ws/me/' : `/ws/jobs/${element.dataset.job}/`);
    channel.watched.set(element.dataset.job, element);
    element.style.setProperty('--percent', element.dataset.percent || 0);
    if (!channel.socket) connect(channel);
  }

  function channelAt(path) {
    if (!channels.has(path)) {
      channels.set(path, {path, watched: new Map(), socket: null, failures: 0, waiting: 0, polling: 0, untold: new Set()});
    }
    return channels.get(path);
  }

  function leave(channel) {
    channels.delete(channel.path);
    clearTimeout(channel.waiting);
    clearInterval(channel.polling);
    channel.socket?.close();
  }

  // --- the connection --------------------------------------------------------------------

  function connect(channel) {
    clearTimeout(channel.waiting);
    const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
    const socket = new WebSocket(scheme + location.host + channel.path);
    channel.socket = socket;
    socket.onopen = () => opened(channel);
    socket.onmessage = ({data}) => hear(channel, JSON.parse(data));
    socket.onclose = ({code}) => closed(channel, socket, code);
  }

  function opened(channel) {
    channel.failures = 0;
    clearInterval(channel.polling);
    channel.polling = 0;
    channel.untold = new Set(channel.watched.keys());
    setTimeout(askUntold, TOLD_MS, channel);
  }

  /** The socket begins with what is open and what has just ended; the rest is asked for. */
  function askUntold(channel) {
    ask(channel, [...channel.untold].map((code) => channel.watched.get(code)).filter(Boolean));
  }

  function closed(channel, socket, code) {
    if (channels.get(channel.path) !== channel || channel.socket !== socket) return;
    if (code === GONE) return leave(channel);
    if (code === SIGN_IN) return signIn();
    channel.socket = null;
    channel.failures += 1;
    channel.waiting = setTimeout(connect, pauseAfter(code, channel.failures), channel);
    if (channel.failures >= POLL_AFTER) poll(channel);
  }

  /** Jitter, so that a server is not met by everybody at once. One that leaves has a successor. */
  function pauseAfter(code, failures) {
    if (code === SERVER_RESTARTS && failures === 1) return ELSEWHERE_MS * Math.random();
    return Math.min(30000, 500 * 2 ** failures) * (0.5 + Math.random());
  }

  function poll(channel) {
    if (channel.polling) return;
    channel.polling = setInterval(ask, POLL_MS, channel);
    ask(channel);
  }

  function signIn() {
    const here = location.pathname + location.search;
    location.assign(document.body.dataset.signIn + '?next=' + encodeURIComponent(here));
  }

  /** What was said while nobody listened is asked for. */
  async function ask(channel, elements = [...channel.watched.values()]) {
    for (const element of elements) {
      try {
        hear(channel, await studio.api('GET', element.dataset.url));
      } catch (problem) {
        if (problem.status === 404) forget(channel, element.dataset.job);
      }
    }
  }

  function wake() {
    if (document.visibilityState !== 'visible') return;
    for (const channel of channels.values()) {
      if (channel.socket?.readyState === WebSocket.OPEN) ask(channel);
      else if (!channel.socket) connect(channel);
    }
  }

  // --- from the JSON to the page ---------------------------------------------------------

  function hear(channel, job) {
    channel.untold.delete(job.code);
    const element = channel.watched.get(job.code);
    if (!element || job.version < Number(element.dataset.version)) return;
    element.dataset.version = job.version;
    if (!FINAL.includes(job.state)) return show(element, job);
    forget(channel, job.code);
    element.style.setProperty('--percent', 100);
    element.dataset.state = job.state;
    end(element, job);
  }

  function forget(channel, code) {
    channel.watched.delete(code);
    if (!channel.watched.size) leave(channel);
  }

  function show(element, job) {
    element.dataset.state = job.state;
    element.style.setProperty('--percent', job.percent);
    const bar = element.querySelector('progress');
    if (bar) bar.value = job.percent;
    const stage = element.querySelector('[data-stage]');
    if (stage) say(stage, job.stage_text || stage.dataset.working);
    const wait = element.querySelector('[data-wait]');
    if (wait) say(wait, waiting(wait.dataset, job));
  }

  /** Say it again only when it changed, or a screen reader would repeat it at every percent. */
  function say(box, text) {
    if (box.textContent !== text) box.textContent = text;
  }

  /** "about 20–30 seconds, you are 2nd", in the words of the page. */
  function waiting(words, job) {
    return [span(words, job.eta_seconds), place(words, job.position)].filter(Boolean).join(', ');
  }

  function span(words, seconds) {
    if (!seconds) return '';
    if (seconds <= 5) return words.moment;
    const steps = [5, 10, 20, 30, 45, 60];
    const at = steps.findIndex((step) => seconds <= step);
    if (at < 0) return words.minutes.replace('{minutes}', Math.ceil(seconds / 60));
    return words.seconds.replace('{from}', steps[at - 1]).replace('{to}', steps[at]);
  }

  function place(words, position) {
    if (!position) return '';
    if (position === 1) return words.next;
    const kind = new Intl.PluralRules(document.documentElement.lang, {type: 'ordinal'}).select(position);
    return (words[kind] || words.other).replace('{place}', position);
  }

  // --- the end: the server's fragment takes the place ------------------------------------

  async function end(element, job) {
    const fresh = await fetched(element.dataset.fragment);
    if (!fresh) return location.reload();
    await Promise.all([...fresh.querySelectorAll('img:not([loading])')].map(decoded));
    swap(element, fresh);
    studio.haptic(job.state === 'done' ? 'success' : 'error');
    fresh.dispatchEvent(new CustomEvent('job-ended', {bubbles: true, detail: job}));
  }

  /** The fragment at this address as an element of this page, or null. */
  async function fetched(address) {
    const answer = await fetch(address, {headers: {Accept: 'text/html'}}).catch(() => null);
    if (!answer?.ok || answer.redirected) return null;
    const parsed = new DOMParser().parseFromString(await answer.text(), 'text/html');
    return document.adoptNode(parsed.body.firstElementChild);
  }

  /** A picture that is ready to paint when its element comes, so that nothing blinks. */
  function decoded(image) {
    image.classList.add('is-loaded');
    return Promise.race([image.decode().catch(() => null), new Promise((go) => setTimeout(go, 4000))]);
  }

  function swap(element, fresh) {
    const held = element.contains(document.activeElement);
    fresh.classList.add('is-new');
    element.replaceWith(fresh);
    if (held) (fresh.querySelector('[data-focus]') || fresh).focus({preventScroll: true});
    studio.main();
  }

  // --- cancelling is the same everywhere -------------------------------------------------

  document.addEventListener('click', async ({target}) => {
    const button = target.closest?.('[data-cancel]');
    if (!button) return;
    // A disabled button lets go of the focus; the job keeps it, and so does what takes its place.
    if (document.activeElement === button) button.closest('[data-job]').focus({preventScroll: true});
    button.disabled = true;
    try {
      const job = await studio.api('POST', button.dataset.cancel);
      for (const channel of [...channels.values()]) hear(channel, job);
    } catch (problem) {
      button.disabled = false;
      studio.toast(problem.message);
    }
  });

  document.addEventListener('visibilitychange', wake);
  window.addEventListener('online', wake);
  window.addEventListener('pageshow', (event) => { if (event.persisted) wake(); });
  for (const element of document.querySelectorAll('[data-job]')) watch(element);

  return {watch, fetched};
})();
