"use strict";

const $ = (id) => document.getElementById(id);

// A token in the address must not stay in the history.
if (location.search) history.replaceState(null, "", "/");

// Sliders, with how their values are shown and what they are in the interface.
const sliders = {
  alpha: { field: "alpha", show: percent },
  smoothing: { field: "smoothing", show: percent },
  transition: { field: "transition_ms", show: (v) => (v / 1000).toFixed(1) + " s" },
};

function percent(v) { return Math.round(100 * v) + " %"; }

let state = null;      // as the server last said
let wanted = null;     // changes that have not been sent
let sending = false;
let noticeTimer = 0;
const cards = new Map(); // by style: { item, choose, add }

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { $("notice").hidden = true; }, 7000);
}

// call returns the answer's JSON or throws its sentence.
async function call(method, address, body, type) {
  const answer = await fetch(address, { method, body, headers: type ? { "Content-Type": type } : {} });
  const data = await answer.json();
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

// change sends what was changed last; one request at a time, so that a slider's newest place overtakes those before.
async function change(patch) {
  wanted = { ...wanted, ...patch };
  if (sending) return;
  sending = true;
  while (wanted) {
    const body = JSON.stringify(wanted);
    wanted = null;
    try {
      state = await call("PATCH", "/api/state", body, "application/json");
    } catch (error) {
      notice(error.message);
      await refresh();
    }
  }
  sending = false;
  show();
}

async function refresh() {
  try {
    const now = await call("GET", "/api/state");
    live(true);
    if (sending) return;
    state = now;
    show();
  } catch {
    live(false);
  }
}

// live shows the picture, or that there is none. A hidden page needs none.
function live(on) {
  $("lamp").classList.toggle("on", on);
  $("gone").hidden = on;
  const light = $("light").checked && !$("light-row").hidden;
  const picture = $("picture");
  picture.hidden = light;
  $("video").hidden = !light;
  if (!on || document.hidden || light) picture.removeAttribute("src");
  else if (!picture.hasAttribute("src")) picture.src = "/stream.mjpeg";
  coded.show(on && !document.hidden && light);
}

function place(input, value) {
  input.value = value;
  input.style.setProperty("--part", 100 * (input.value - input.min) / (input.max - input.min) + "%");
}

function show() {
  if (!state) return;
  $("source").textContent = state.source;
  $("fps").textContent = state.fps.toFixed(1);
  $("latency").textContent = Math.round(state.latency_ms);
  for (const [id, s] of Object.entries(sliders)) {
    if ($(id).matches(":active")) continue;
    place($(id), state[s.field]);
    $(id + "-value").value = s.show(state[s.field]);
  }
  $("color").checked = state.preserve_color;
  $("light-row").hidden = !(state.h264 && coded.possible);
  showMask();
  showStyles();
  showMix();
}

function showMask() {
  const two = state.styles.length === 2;
  $("mask").checked = state.mask.on;
  $("mask").disabled = !state.mask.on && !(state.mask.uploaded && two);
  $("mask-hint").textContent = state.mask.on ? `White: ${state.styles[0].name}, black: ${state.styles[1].name}.`
    : !state.mask.uploaded ? "A black and white picture divides the frame between two styles."
    : two ? "" : "Add a second style with + to use the mask.";
}

function showStyles() {
  const known = new Set(state.available.map((style) => style.name));
  for (const [name, card] of cards) {
    if (known.has(name)) continue;
    card.item.remove();
    cards.delete(name);
  }
  for (const style of state.available) {
    if (!cards.has(style.name)) addCard(style);
  }
  const chosen = new Set(state.styles.map((s) => s.name));
  for (const [name, card] of cards) {
    const on = chosen.has(name);
    card.choose.setAttribute("aria-pressed", on);
    card.add.setAttribute("aria-pressed", on && chosen.size > 1);
    card.add.textContent = on && chosen.size > 1 ? "−" : "+";
    card.add.hidden = on && chosen.size === 1;
  }
}

function addCard(style) {
  const choose = element("button", "style");
  const picture = element("img");
  picture.alt = "";
  picture.src = `/api/styles/${encodeURIComponent(style.name)}/thumbnail.jpeg`;
  const name = element("span");
  name.textContent = style.name;
  choose.append(picture, name);
  choose.addEventListener("click", () => change({ styles: [{ name: style.name }], mask: false }));
  const add = element("button", "add");
  add.setAttribute("aria-label", `${style.name} in the mix`);
  add.addEventListener("click", () => toggle(style.name));
  const item = element("li");
  item.append(choose, add);
  if (style.kind === "upload") item.append(...own(style.name, name));
  $("styles").insertBefore(item, $("styles").lastElementChild);
  cards.set(style.name, { item, choose, add });
}

// own are the buttons of a style that was uploaded: another name, and away with it. label shows its name.
function own(style, label) {
  const address = `/api/styles/${encodeURIComponent(style)}`;
  const rename = element("button", "edit rename");
  rename.setAttribute("aria-label", `Rename ${style}`);
  rename.textContent = "✎";
  rename.addEventListener("click", () => {
    const input = element("input", "name");
    Object.assign(input, { value: style, maxLength: 40 });
    input.setAttribute("aria-label", `New name of ${style}`);
    label.closest("li").append(input);
    input.select();
    input.focus();
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") input.value = style;
      if (event.key === "Enter" || event.key === "Escape") input.blur();
    });
    input.addEventListener("blur", async () => {
      const name = input.value.trim();
      input.remove();
      if (name && name !== style) await edit("PATCH", address, { name }, `${style} is called ${name} now`);
    });
  });
  const remove = element("button", "edit remove");
  remove.setAttribute("aria-label", `Remove ${style}`);
  remove.textContent = "×";
  remove.addEventListener("click", () => edit("DELETE", address, undefined, `${style} is removed`));
  return [rename, remove];
}

async function edit(method, address, body, done) {
  try {
    state = await call(method, address, body && JSON.stringify(body), body && "application/json");
    show();
    say(done);
  } catch (error) {
    notice(error.message);
  }
}

// say tells those who hear the page what others see.
function say(text) { $("said").textContent = text; }

function element(kind, className) {
  const e = document.createElement(kind);
  if (className) e.className = className;
  if (kind === "button") e.type = "button";
  return e;
}

// toggle takes a style into the mix or out of it. A mask holds for two styles only.
function toggle(name) {
  const without = state.styles.filter((s) => s.name !== name);
  const styles = without.length < state.styles.length ? without : [...state.styles, { name, weight: 1 }];
  if (styles.length) change(state.mask.on && styles.length !== 2 ? { styles, mask: false } : { styles });
}

function showMix() {
  const names = state.styles.map((s) => s.name);
  $("mix").hidden = names.length < 2 || state.mask.on;
  const shares = $("shares");
  if (shares.dataset.names !== names.join("\n")) {
    shares.dataset.names = names.join("\n");
    shares.replaceChildren(...names.map(share));
  }
  const sum = state.styles.reduce((a, s) => a + s.weight, 0);
  state.styles.forEach((s, i) => {
    const input = shares.children[i].querySelector("input");
    if (!input.matches(":active")) place(input, s.weight / sum);
    shares.children[i].querySelector("output").value = percent(s.weight / sum);
  });
}

// share is the slider of one style in the mix.
function share(name, i) {
  const row = element("div", "slider");
  const label = element("label");
  const input = element("input");
  const value = element("output");
  label.textContent = name;
  label.htmlFor = input.id = "share-" + i;
  Object.assign(input, { type: "range", min: 0, max: 1, step: 0.01 });
  input.addEventListener("input", () => {
    const inputs = [...$("shares").querySelectorAll("input")];
    const weights = inputs.map((e) => Number(e.value));
    if (weights.every((w) => w === 0)) return;
    place(input, input.value);
    change({ styles: state.styles.map((s, k) => ({ name: s.name, weight: weights[k] })) });
  });
  row.append(label, value, input);
  return row;
}

// upload sends a file and gives its answer to then.
function upload(id, address, then) {
  const input = $(id);
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    input.parentElement.classList.add("busy");
    try {
      await then(await call("POST", address, file, "application/octet-stream"));
    } catch (error) {
      notice(error.message);
    }
    input.parentElement.classList.remove("busy");
    input.value = "";
  });
}

for (const [id, s] of Object.entries(sliders)) {
  $(id).addEventListener("input", (event) => {
    const value = Number(event.target.value);
    place(event.target, value);
    $(id + "-value").value = s.show(value);
    change({ [s.field]: value });
  });
}
$("color").addEventListener("change", (event) => change({ preserve_color: event.target.checked }));
$("mask").addEventListener("change", (event) => change({ mask: event.target.checked }));
upload("style-file", "/api/styles", async (style) => {
  await refresh();
  await change({ styles: [{ name: style.name }], mask: false });
});
upload("mask-file", "/api/mask", async () => {
  await refresh();
  if (state.styles.length === 2) await change({ mask: true });
});

// Full screen, and where the browser has none for a picture (iPhones), the whole window.
function full() {
  const stage = document.querySelector(".stage");
  if (document.fullscreenElement) document.exitFullscreen();
  else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => stage.classList.toggle("wide"));
  else stage.classList.toggle("wide");
  setTimeout(showFull, 100);
}
function showFull() {
  const on = Boolean(document.fullscreenElement) || document.querySelector(".stage").classList.contains("wide");
  $("full").setAttribute("aria-pressed", on);
}
document.addEventListener("fullscreenchange", showFull);
$("full").addEventListener("click", full);
$("snapshot").addEventListener("click", () => {
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString();
  $("snapshot").download = `adain ${now.slice(0, 19).replace("T", " ").replaceAll(":", ".")}.jpg`;
  say("The picture is kept");
});
$("light").checked = localStorage.getItem("light") === "yes";
$("light").addEventListener("change", (event) => {
  localStorage.setItem("light", event.target.checked ? "yes" : "no");
  live(true);
});

// Keys, where nothing else takes them.
const keys = {
  f: full,
  s: () => $("snapshot").click(),
  "[": () => step(-1),
  "]": () => step(1),
  "-": () => strength(-0.1),
  "+": () => strength(0.1),
  Escape: () => { document.querySelector(".stage").classList.remove("wide"); showFull(); },
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input:not([type=range], [type=checkbox])")) return;
  if (!keys[event.key] || !state) return;
  event.preventDefault();
  keys[event.key]();
});
function step(by) {
  const names = state.available.map((s) => s.name);
  const name = names[(names.indexOf(state.styles[0].name) + by + names.length) % names.length];
  say(name);
  change({ styles: [{ name }], mask: false });
}
function strength(by) {
  const alpha = Math.round(100 * Math.min(1, Math.max(0, state.alpha + by))) / 100;
  say(`Strength ${percent(alpha)}`);
  change({ alpha });
}

$("picture").addEventListener("error", (event) => event.target.removeAttribute("src")); // the next refresh asks again
document.addEventListener("visibilitychange", refresh);
setInterval(() => { if (!document.hidden) refresh(); }, 1000);
refresh();
