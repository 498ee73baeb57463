import { FaceApi, Refusal } from "./api.js";
import { FIELDS, LOCAL } from "./messages.js";
import { Camera, pictureOfFile } from "./picture.js";

/**
 * @typedef {import("./api.js").Person} Person
 * @typedef {keyof typeof FIELDS} Field
 */

const TASKS = {
  register: {
    heading: "Register a face",
    explanation: "The picture shows one person, from the front, in good light. All fields are needed.",
    send: "Register",
  },
  verify: {
    heading: "Verify a face",
    explanation: "Find out whether the face on a picture is registered. If there are several, the largest one counts.",
    send: "Verify",
  },
};

/** @type {readonly (keyof Person)[]} */
const PERSON_FIELDS = ["firstName", "lastName", "dateOfBirth", "phoneNumber"];

/**
 * @template {typeof HTMLElement} Kind
 * @param {string} selector
 * @param {Kind} kind
 * @returns {InstanceType<Kind>}
 */
function element(selector, kind) {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`${selector} is missing`);
  return /** @type {InstanceType<Kind>} */ (found);
}

const page = {
  heading: element("h1", HTMLElement),
  explanation: element("#explanation", HTMLElement),
  form: element("form", HTMLFormElement),
  problem: element("#problem", HTMLElement),
  access: element("#access", HTMLElement),
  person: element("#person", HTMLElement),
  choice: element("#choice", HTMLElement),
  openCamera: element("#open-camera", HTMLButtonElement),
  file: element("#file", HTMLInputElement),
  camera: element("#camera", HTMLElement),
  take: element("#take", HTMLButtonElement),
  closeCamera: element("#close-camera", HTMLButtonElement),
  taken: element("#taken", HTMLElement),
  still: element("#still", HTMLImageElement),
  discard: element("#discard", HTMLButtonElement),
  send: element("#send", HTMLButtonElement),
  result: element("#result", HTMLElement),
  resultHeading: element("#result-heading", HTMLElement),
  resultBody: element("#result-body", HTMLElement),
  index: element("#index", HTMLButtonElement),
  status: element("#status", HTMLElement),
};
const camera = new Camera(element("#preview", HTMLVideoElement));

/** @type {keyof typeof TASKS} */
let task = "register";
/** @type {Blob | undefined} */
let picture;
/** The idempotency key of the current form, until it has a final answer or is changed. @type {string | undefined} */
let key;
/** The picture of the current form, if it was sent already. @type {import("./api.js").Source | undefined} */
let source;
/** A face that is registered and not searchable, and the key of the request to index it. @type {{ faceId: string, key: string } | undefined} */
let unindexed;
/** Incremented with each navigation, so that results of earlier requests are ignored. */
let turn = 0;
let isBusy = false;

/** @param {Field} name */
function input(name) {
  return element(`#${name}`, HTMLInputElement);
}

/** @param {string} text For screen readers. */
function say(text) {
  page.status.textContent = text;
}

/**
 * @param {string} name A field, or `picture`.
 * @param {string} text Empty if the field is valid.
 */
function mark(name, text) {
  const error = element(`#${name}-error`, HTMLElement);
  error.textContent = text;
  error.hidden = text === "";
  const marked = name === "picture" ? page.file : input(/** @type {Field} */ (name));
  if (text === "") marked.removeAttribute("aria-invalid");
  else marked.setAttribute("aria-invalid", "true");
}

function clearProblems() {
  for (const name of [...PERSON_FIELDS, "token", "picture"]) mark(name, "");
  page.problem.hidden = true;
  page.problem.replaceChildren();
}

/** @param {string[]} texts */
function showProblem(texts) {
  const paragraphs = texts.map((text) => Object.assign(document.createElement("p"), { textContent: text }));
  page.problem.hidden = false;
  page.problem.replaceChildren(...paragraphs);
}

function hideResult() {
  page.result.hidden = true;
  page.resultHeading.textContent = "";
  page.resultBody.replaceChildren();
  page.index.hidden = true;
  unindexed = undefined;
}

/** The form was changed: the next request is a new one. */
function changed() {
  key = undefined;
  hideResult();
}

/** @param {"choice" | "camera" | "taken"} shown */
function showPicture(shown) {
  page.choice.hidden = shown !== "choice";
  page.camera.hidden = shown !== "camera";
  page.taken.hidden = shown !== "taken";
}

/** @param {Blob | undefined} chosen */
function setPicture(chosen) {
  if (page.still.src) URL.revokeObjectURL(page.still.src);
  picture = chosen;
  source = undefined;
  if (chosen) page.still.src = URL.createObjectURL(chosen);
  else page.still.removeAttribute("src");
  page.file.value = "";
  mark("picture", "");
  showPicture(chosen ? "taken" : "choice");
  changed();
}

/** @param {unknown} error */
function pictureFailed(error) {
  if (!(error instanceof Refusal)) throw error;
  mark("picture", error.message);
  say(error.message);
}

async function openCamera() {
  const mine = turn;
  mark("picture", "");
  say("The camera is being started.");
  try {
    await camera.open();
  } catch (error) {
    pictureFailed(error);
    page.file.focus();
    return;
  }
  if (mine !== turn) return camera.close();
  showPicture("camera");
  page.take.focus();
  say("The camera is on.");
}

function closeCamera() {
  camera.close();
  showPicture("choice");
  page.openCamera.focus();
  say("The camera is off.");
}

async function takePicture() {
  try {
    setPicture(await camera.take());
  } catch (error) {
    pictureFailed(error);
    return;
  } finally {
    camera.close();
  }
  page.discard.focus();
  say("The picture is taken, and the camera is off.");
}

async function choosePicture() {
  const file = page.file.files?.[0];
  if (!file) return;
  const mine = turn;
  try {
    const chosen = await pictureOfFile(file);
    if (mine !== turn) return;
    setPicture(chosen);
  } catch (error) {
    page.file.value = "";
    pictureFailed(error);
    page.file.focus();
    return;
  }
  page.discard.focus();
  say("The picture is chosen.");
}

/**
 * Marks the invalid fields of the task.
 *
 * @param {FaceApi} api
 * @returns {HTMLElement | undefined} The first invalid field.
 */
function firstInvalid(api) {
  /** @type {HTMLElement[]} */
  const wrong = [];
  /** @type {Field[]} */
  const names = [...(api.needsToken ? /** @type {const} */ (["token"]) : []), ...(task === "register" ? PERSON_FIELDS : [])];
  for (const name of names) {
    if (isValid(name, input(name).value)) continue;
    mark(name, FIELDS[name]);
    wrong.push(input(name));
  }
  if (!picture) {
    mark("picture", LOCAL.PICTURE_MISSING.text);
    wrong.push(page.camera.hidden ? page.openCamera : page.take);
  }
  return wrong[0];
}

/**
 * @param {Field} name
 * @param {string} value
 */
function isValid(name, value) {
  const digits = value.replace(/\D/g, "").length;
  switch (name) {
    case "firstName":
    case "lastName":
      return /\p{Alphabetic}/u.test(value) && [...value.trim()].length <= 100;
    case "dateOfBirth":
      return value >= "1900-01-01" && value <= new Date().toISOString().slice(0, 10);
    case "phoneNumber":
      return /^\+?[0-9 ./()-]+$/.test(value.trim()) && digits >= 5 && digits <= 15;
    case "token":
      // The characters that a header can have.
      return /^[!-~]+$/.test(value.trim());
  }
}

/**
 * Shows why the request was refused, and marks the field to correct.
 *
 * @param {unknown} error
 */
function failed(error) {
  if (!(error instanceof Refusal)) throw error;
  const { messages, field } = error;
  if (error.retry !== "same") key = undefined;
  if (error.retry === "new") source = undefined;
  showProblem(messages.map((message) => message.text));
  const named = [...PERSON_FIELDS].find((name) => name === field);
  if (named && task === "register") mark(named, FIELDS[named]);
  else if (messages[0]?.place === "picture") mark("picture", error.message);
  else if (messages[0]?.place === "token" && !page.access.hidden) mark("token", error.message);
  page.problem.focus();
}

/** @param {boolean} busy */
function setBusy(busy) {
  isBusy = busy;
  // The form cannot be changed until the answer arrives.
  if (busy && page.form.contains(document.activeElement)) page.send.focus();
  for (const fieldset of page.form.querySelectorAll("fieldset")) fieldset.disabled = busy;
  // Not `disabled`: the focus would be lost.
  for (const button of [page.send, page.index]) button.setAttribute("aria-disabled", String(busy));
  page.form.setAttribute("aria-busy", String(busy));
}

/**
 * Prevents other requests meanwhile; shows the error, unless the person has navigated.
 *
 * @param {(isCurrent: () => boolean) => Promise<void>} work
 */
async function exclusively(work) {
  if (isBusy) return;
  const mine = turn;
  const isCurrent = () => mine === turn;
  setBusy(true);
  say("It is being sent.");
  try {
    await work(isCurrent);
  } catch (error) {
    if (isCurrent()) failed(error);
  } finally {
    setBusy(false);
    say("");
  }
}

/** @param {FaceApi} api */
async function send(api) {
  if (isBusy) return;
  clearProblems();
  hideResult();
  const wrong = firstInvalid(api);
  const sent = picture;
  if (wrong || !sent) {
    wrong?.focus();
    say("Something is missing or wrong. It was not sent.");
    return;
  }
  const token = input("token").value.trim();
  await exclusively(async (isCurrent) => {
    key ??= crypto.randomUUID();
    const request = { token, key };
    const show = task === "register" ? registering(api, statedPerson(), request) : verifying(api, { token });
    const chosen = source ?? (await api.source(sent, { token }));
    // After navigation the sent picture must not be used for another task.
    if (!isCurrent()) return;
    source = chosen;
    const showAnswer = await show(chosen);
    if (!isCurrent()) return;
    key = undefined;
    showAnswer();
  });
}

/**
 * @param {FaceApi} api
 * @param {Person} person
 * @param {{ token: string, key: string }} request
 * @returns {(source: import("./api.js").Source) => Promise<() => void>}
 */
function registering(api, person, request) {
  return async (source) => {
    const registered = await api.register(person, source, request);
    return () => showRegistered(registered);
  };
}

/**
 * @param {FaceApi} api
 * @param {{ token: string }} request
 * @returns {(source: import("./api.js").Source) => Promise<() => void>}
 */
function verifying(api, request) {
  return async (source) => {
    const verified = await api.verify(source, request);
    return () => showVerified(verified);
  };
}

/** @returns {Person} */
function statedPerson() {
  const [firstName, lastName, dateOfBirth, phoneNumber] = /** @type {[string, string, string, string]} */ (
    PERSON_FIELDS.map((name) => input(name).value.trim())
  );
  return { firstName, lastName, dateOfBirth, phoneNumber };
}

/** @param {FaceApi} api */
async function makeSearchable(api) {
  const face = unindexed;
  if (!face) return;
  const token = input("token").value.trim();
  clearProblems();
  await exclusively(async (isCurrent) => {
    try {
      const registered = await api.index(face.faceId, { token, key: face.key });
      if (isCurrent()) showRegistered(registered);
    } catch (error) {
      if (error instanceof Refusal && error.retry !== "same") face.key = crypto.randomUUID();
      throw error;
    }
  });
}

/** @param {import("./api.js").Registered} registered */
function showRegistered({ faceId, status }) {
  hideResult();
  const isIndexed = status === "indexed";
  if (!isIndexed) unindexed = { faceId, key: crypto.randomUUID() };
  page.index.hidden = isIndexed;
  showResult(isIndexed ? "The face is registered" : "The face is registered, but cannot be verified yet", [["Face id", faceId]]);
}

/** @param {import("./api.js").Verified} verified */
function showVerified({ match, confidence, faceId, person }) {
  if (!match) return showResult("This face is not registered", []);
  /** @type {[string, string | undefined][]} */
  const facts = [
    ["Similarity", `${confidence.toFixed(1)} %`],
    ["Face id", faceId],
    ["Name", person && `${person.firstName} ${person.lastName}`],
    ["Date of birth", person?.dateOfBirth],
    ["Phone number", person?.phoneNumber],
  ];
  showResult("This face is registered", facts);
}

/**
 * @param {string} heading
 * @param {[string, string | undefined][]} facts Facts without a value are left out.
 */
function showResult(heading, facts) {
  const list = document.createElement("dl");
  for (const [name, value] of facts) {
    if (value === undefined) continue;
    list.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    );
  }
  page.result.hidden = false;
  page.resultHeading.textContent = heading;
  page.resultBody.replaceChildren(...(list.childElementCount > 0 ? [list] : []));
  page.resultHeading.focus();
}

/** @returns {keyof typeof TASKS} */
function taskOfAddress() {
  return location.hash === "#verify" ? "verify" : "register";
}

/** Clears the form and shows the task of the address. */
function showTask() {
  task = taskOfAddress();
  turn += 1;
  const { heading, explanation, send } = TASKS[task];
  document.title = `${heading} – Bonafide`;
  page.heading.textContent = heading;
  page.explanation.textContent = explanation;
  page.send.textContent = send;
  page.person.hidden = task !== "register";
  for (const name of PERSON_FIELDS) input(name).value = "";
  camera.close();
  setPicture(undefined);
  clearProblems();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${task}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** @returns {Promise<import("./api.js").Settings>} */
async function settings() {
  const answer = await fetch("config.json", { cache: "no-store", credentials: "omit" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return answer.json();
}

async function start() {
  showTask();
  let api;
  try {
    api = new FaceApi(await settings());
  } catch {
    showProblem([LOCAL.NETWORK.text]);
    return;
  }
  const started = api;
  page.access.hidden = !started.needsToken;
  window.addEventListener("hashchange", () => {
    showTask();
    page.heading.focus();
  });
  element(".skip", HTMLAnchorElement).addEventListener("click", (event) => {
    // The fragment of the address is the task.
    event.preventDefault();
    element("main", HTMLElement).focus();
  });
  // The camera must not stay on for a page in the back/forward cache.
  window.addEventListener("pagehide", () => camera.close());
  page.openCamera.addEventListener("click", openCamera);
  page.closeCamera.addEventListener("click", closeCamera);
  page.take.addEventListener("click", takePicture);
  page.file.addEventListener("change", choosePicture);
  page.discard.addEventListener("click", () => {
    setPicture(undefined);
    page.openCamera.focus();
    say("The picture is discarded.");
  });
  page.form.addEventListener("input", (event) => {
    if (event.target !== page.file) changed();
  });
  page.form.addEventListener("submit", (event) => {
    event.preventDefault();
    return send(started);
  });
  page.index.addEventListener("click", () => makeSearchable(started));
  page.form.dataset["ready"] = "";
}

await start();
