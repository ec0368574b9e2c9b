'use strict';
/* Drop zones: tap, camera, drop or paste. A photo is sent at once, with real progress. A zone says
   what it holds with the event "photo", whose detail is the photo's JSON. */
studio.drop = (() => {
  const MAX_BYTES = 10 * 1024 * 1024;
  const part = (zone, name) => zone.querySelector(`[data-${name}]`);

  // --- showing ---------------------------------------------------------------------------

  /** Put a photo into the zone and say so. */
  function hold(zone, photo) {
    zone.photo = photo;
    picture(zone, photo);
    turn(zone, 'full');
    zone.dispatchEvent(new CustomEvent('photo', {bubbles: true, detail: photo}));
  }

  function picture(zone, {url, width, height, placeholder}) {
    const shot = part(zone, 'shot');
    shot.style.setProperty('--ratio', width / height);
    part(zone, 'under').src = placeholder || '';
    part(zone, 'under').hidden = !placeholder;
    part(zone, 'image').src = url;
  }

  /** "empty", "sending" or "full". */
  function turn(zone, state) {
    zone.dataset.drop = state;
    part(zone, 'ask').hidden = state !== 'empty';
    part(zone, 'shot').hidden = state === 'empty';
    part(zone, 'sending').hidden = state !== 'sending';
    part(zone, 'another').hidden = state !== 'full';
    if (state === 'sending') part(zone, 'wrong').hidden = true;
  }

  /** Links live ten minutes, and a page may be open for longer. */
  async function renew(zone) {
    if (!zone.photo || zone.photo.renewed) return;
    const photo = await studio.api('GET', `${zone.dataset.photos}${zone.photo.code}/`).catch(() => null);
    if (photo) hold(zone, {...photo, renewed: true});
  }

  function refuse(zone, message) {
    part(zone, 'wrong').hidden = false;
    part(zone, 'wrong').textContent = message;
    studio.haptic('error');
    settle(zone);
  }

  /** Back to what was there before this attempt. */
  function settle(zone) {
    if (zone.photo) picture(zone, zone.photo);
    turn(zone, zone.photo ? 'full' : 'empty');
  }

  // --- sending ---------------------------------------------------------------------------

  async function take(zone, file) {
    if (!file) return;
    if (file.type && !file.type.startsWith('image/')) return refuse(zone, zone.dataset.notPhoto);
    if (file.size > MAX_BYTES) return refuse(zone, zone.dataset.tooLarge);
    zone.sending?.abort();
    turn(zone, 'sending');
    progress(zone, 0);
    preview(zone, file);
    try {
      hold(zone, await send(zone, file));
    } catch (problem) {
      if (problem) refuse(zone, problem.message);
      else settle(zone);
    }
  }

  /** The photo from the phone itself, while it is on its way; some kinds no browser can show. */
  function preview(zone, file) {
    const address = URL.createObjectURL(file);
    const image = new Image();
    const fits = () => zone.dataset.drop === 'sending';
    image.onload = () => {
      const {naturalWidth: width, naturalHeight: height} = image;
      if (fits()) picture(zone, {url: address, width, height, placeholder: ''});
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    };
    image.src = address;
  }

  /** Resolves to the photo; rejects with a problem, or with nothing where it was stopped. */
  function send(zone, file) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const body = new FormData();
      body.append('file', file);
      request.open('POST', zone.dataset.photos);
      request.setRequestHeader('X-CSRFToken', document.querySelector('meta[name=csrf]').content);
      request.upload.onprogress = ({loaded, total}) => progress(zone, Math.floor(loaded / total * 100));
      request.onload = () => (request.status === 201 ? resolve(JSON.parse(request.response)) : reject(problem(request)));
      request.onerror = () => reject({message: document.body.dataset.offline});
      request.onabort = () => reject();
      zone.sending = request;
      request.send(body);
    });
  }

  function problem(request) {
    try {
      return JSON.parse(request.response).error;
    } catch {
      return {message: document.body.dataset.broken};
    }
  }

  function progress(zone, percent) {
    const {sending, looking} = zone.dataset;
    part(zone, 'bar').value = percent;
    part(zone, 'says').textContent = percent < 100 ? sending.replace('{percent}', percent) : looking;
  }

  // --- every way in ----------------------------------------------------------------------

  function open(zone) {
    for (const input of zone.querySelectorAll('[data-file]')) {
      input.addEventListener('change', () => { take(zone, input.files[0]); input.value = ''; });
    }
    part(zone, 'image').addEventListener('error', () => renew(zone));
    part(zone, 'another').addEventListener('click', () => part(zone, 'file').click());
    part(zone, 'stop').addEventListener('click', () => zone.sending?.abort());
    zone.addEventListener('dragover', (event) => { event.preventDefault(); zone.classList.add('is-over'); });
    zone.addEventListener('dragleave', () => zone.classList.remove('is-over'));
    zone.addEventListener('drop', (event) => {
      event.preventDefault();
      zone.classList.remove('is-over');
      take(zone, event.dataTransfer.files[0]);
    });
  }

  document.addEventListener('paste', ({clipboardData}) => {
    const file = [...clipboardData.files].find(({type}) => type.startsWith('image/'));
    const zone = [...document.querySelectorAll('[data-drop]')].find((one) => !one.closest('[hidden]'));
    if (file && zone) take(zone, file);
  });
  // A photo that misses the zone must not replace the page.
  for (const kind of ['dragover', 'drop']) document.addEventListener(kind, (event) => event.preventDefault());
  for (const zone of document.querySelectorAll('[data-drop]')) open(zone);

  /** The photo that a server-rendered element describes (_photo_data.html). */
  function described({dataset}) {
    const {code, url, thumb, placeholder} = dataset;
    const [width, height] = [Number(dataset.width), Number(dataset.height)];
    return {code, url, thumb_url: thumb, placeholder, width, height, hints: [], hinted: 'hinted' in dataset};
  }

  return {hold, described};
})();
