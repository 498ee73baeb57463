/** What people see: the consent, the conversation, and problems with what helps. */

import type { Picture } from "./conversation";
import { element } from "./dom";
import { PictureError } from "./picture";
import { RequestError } from "./request";
import { consentOf, LANGUAGES, type Language, type Texts, textsOf } from "./texts";
import type { Answer } from "./tools";

const COUNTRIES = ["DK", "SE", "NO", "FI"] as const;
export type Country = (typeof COUNTRIES)[number];
export type Problem = keyof Texts["problems"];

/** What people do. */
export interface Actions {
  agree(country: Country, language: Language): void;
  say(text: string): void;
  withdraw(): void;
}

export class View {
  readonly #actions: Actions;
  #language: Language;
  #isLive = false;
  readonly #header = element("header");
  readonly #main = element("main");
  readonly #entries = element("ol");
  readonly #log = element("div", { role: "log", "aria-live": "polite" }, this.#entries);
  readonly #task = element("div", { class: "task" });
  readonly #status = element("p", { role: "status", class: "status" });
  readonly #alert = element("div", { role: "alert", class: "alert", hidden: true });
  readonly #form = element("form");

  constructor(language: Language, actions: Actions) {
    this.#language = language;
    this.#actions = actions;
    document.body.append(this.#header, this.#main);
    this.#showHeader();
  }

  get #texts(): Texts {
    return textsOf(this.#language);
  }

  #showHeader(): void {
    document.documentElement.lang = this.#language;
    document.title = this.#texts.title;
    const languages = element(
      "select",
      { id: "language", change: () => this.#chooseLanguage(languages.value as Language) },
      ...LANGUAGES.map((language) => element("option", { value: language, selected: language === this.#language }, textsOf(language).name)),
    );
    const choice = element("label", { for: "language" }, this.#texts.language, " ", languages);
    const withdraw = element("button", { type: "button", class: "quiet", click: () => this.#askToWithdraw() }, this.#texts.withdraw);
    this.#header.replaceChildren(element("h1", {}, this.#texts.title), this.#isLive ? withdraw : choice);
  }

  #chooseLanguage(language: Language): void {
    this.#language = language;
    this.#showHeader();
    this.consent();
    this.#header.querySelector("select")?.focus();
  }

  /** Shows the text of consent, in the language that is recorded with it. */
  consent(): void {
    const { version, language, text } = consentOf(this.#language);
    const texts = this.#texts;
    const countries = element(
      "select",
      { id: "country" },
      ...COUNTRIES.map((country) => element("option", { value: country, selected: country === "SE" }, texts.countries[country])),
    );
    const agree = () => this.#actions.agree(countries.value as Country, this.#language);
    const refuse = () => this.#say(texts.refused);
    this.#main.replaceChildren(
      element(
        "section",
        { "aria-labelledby": "consent", lang: language, "data-version": version },
        element("h2", { id: "consent" }, text.title),
        ...text.paragraphs.map((paragraph) => element("p", {}, paragraph)),
        element("ul", {}, ...text.points.map((point) => element("li", {}, point))),
        element("p", {}, text.rights),
        element("p", {}, element("label", { for: "country" }, texts.country), " ", countries),
        element(
          "p",
          { class: "buttons" },
          element("button", { type: "button", click: agree }, texts.agree),
          element("button", { type: "button", class: "quiet", click: refuse }, texts.refuse),
        ),
      ),
      this.#status,
      this.#alert,
    );
    this.#say("");
  }

  /** Shows the conversation, which has begun. */
  conversation(): void {
    this.#isLive = true;
    this.#showHeader();
    const texts = this.#texts;
    const message = element("textarea", { id: "message", rows: "2", maxlength: "2000", required: true });
    const submit = (event: Event) => {
      event.preventDefault();
      const text = message.value.trim();
      message.value = "";
      if (text !== "") this.#actions.say(text);
    };
    const send = element("button", { type: "submit" }, texts.send);
    this.#form.addEventListener("submit", submit);
    // Return sends, as in other conversations.
    message.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#form.requestSubmit();
      if (event.key === "Enter" && !event.shiftKey) event.preventDefault();
    });
    this.#form.replaceChildren(element("label", { for: "message" }, texts.message), message, send);
    const heading = element("h2", { tabindex: "-1" }, texts.conversation);
    this.#main.replaceChildren(heading, this.#log, this.#task, this.#status, this.#alert, this.#form);
    heading.focus();
    this.waiting(false);
  }

  /** While the model or a tool works, the person cannot write. */
  working(what: keyof Texts["working"] | string): void {
    const { working } = this.#texts;
    this.#say(working[what as keyof typeof working] ?? working.start);
    this.waiting(true);
  }

  waiting(isWaiting: boolean): void {
    for (const control of this.#form.querySelectorAll("button, textarea")) control.toggleAttribute("disabled", isWaiting);
    for (const control of this.#main.querySelectorAll("section button, section select")) control.toggleAttribute("disabled", isWaiting);
    if (!isWaiting) this.#say("");
  }

  /** A message of the person. */
  person(text: string): void {
    this.#entry("person", this.#texts.you, text);
  }

  /** A message of the model, which comes in parts. */
  model(): (part: string) => void {
    let shown: HTMLElement | undefined;
    return (part) => {
      if (shown === undefined) shown = this.#entry("model", this.#texts.assistant, "");
      shown.textContent += part;
      shown.scrollIntoView({ block: "nearest" });
    };
  }

  /** The result of a tool, in the words of the page and not of the model. */
  result(tool: string, { result, state, reasons = [] }: Answer): void {
    const { results } = this.#texts;
    const code = state ?? result;
    if (code === undefined) return;
    const known = results as Readonly<Record<string, string>>;
    const text = reasons.includes("ATTEMPTS_EXHAUSTED") ? this.#texts.ATTEMPTS_EXHAUSTED : (known[`${tool} ${code}`] ?? known[code]);
    if (text !== undefined) this.#entry("result", this.#texts.result, text);
  }

  #entry(kind: string, who: string, text: string): HTMLElement {
    const shown = element("p", {}, text);
    this.#entries.append(element("li", { class: kind }, element("strong", {}, who), shown));
    shown.scrollIntoView({ block: "nearest" });
    return shown;
  }

  /** Asks for a picture until `send` accepts one. */
  picture(kind: Picture, send: (file: Blob) => Promise<void>): Promise<"sent" | "skipped"> {
    const texts = this.#texts.picture;
    this.#say("");
    return new Promise((resolve, reject) => {
      const problem = element("p", { role: "alert", class: "problem", id: "problem" });
      const end = (outcome: "sent" | "skipped") => {
        this.#task.replaceChildren();
        if (outcome === "sent") this.person(texts.sent[kind]);
        resolve(outcome);
      };
      const accept = async (input: HTMLInputElement) => {
        const [file] = input.files ?? [];
        if (file === undefined) return;
        problem.textContent = "";
        fields.disabled = true;
        this.#say(this.#texts.working.picture);
        try {
          await send(file);
          end("sent");
        } catch (error) {
          if (isOfTheToken(error)) {
            this.#task.replaceChildren();
            reject(error);
            return;
          }
          problem.textContent = this.#texts.problems[error instanceof PictureError ? error.problem : "notSent"];
          // The same file can be chosen again.
          input.value = "";
          fields.disabled = false;
          this.#say("");
          input.focus();
        }
      };
      const chooser = (id: string, label: string, more: Readonly<Record<string, string>>) => {
        const input = element("input", { type: "file", accept: "image/*", id, "aria-describedby": "hint problem", ...more });
        input.addEventListener("change", () => void accept(input));
        return element("label", { class: "button", for: id }, label, input);
      };
      const camera = chooser("camera", texts.camera, { capture: kind === "selfie" ? "user" : "environment" });
      const fields = element(
        "fieldset",
        {},
        element("legend", {}, texts[kind]),
        element("p", { id: "hint" }, texts[`${kind}Hint`]),
        element(
          "p",
          { class: "buttons" },
          camera,
          chooser("file", texts.file, {}),
          element("button", { type: "button", class: "quiet", click: () => end("skipped") }, texts.skip),
        ),
        problem,
      );
      this.#task.replaceChildren(fields);
      fields.scrollIntoView({ block: "nearest" });
      camera.querySelector("input")?.focus();
    });
  }

  /** A problem, and what helps. */
  problem(problem: Problem, remedy: string | undefined, act: () => void): void {
    this.waiting(true);
    this.#say("");
    const again = () => {
      this.#alert.hidden = true;
      act();
    };
    const button = remedy === undefined ? [] : [element("button", { type: "button", click: again }, remedy)];
    this.#warn(this.#texts.problems[problem], ...button);
  }

  #warn(text: string, ...buttons: HTMLButtonElement[]): void {
    this.#alert.replaceChildren(element("p", {}, text), ...buttons);
    this.#alert.hidden = false;
    if (!this.#main.contains(this.#alert)) this.#main.replaceChildren(this.#alert);
    this.#alert.scrollIntoView({ block: "nearest" });
  }

  remedy(name: "signIn" | "retry" | "again"): string {
    return this.#texts[name];
  }

  #askToWithdraw(): void {
    const texts = this.#texts;
    const end = (isSure: boolean) => {
      dialog.close();
      dialog.remove();
      if (isSure) this.#actions.withdraw();
    };
    const dialog = element(
      "dialog",
      { "aria-labelledby": "withdraw", cancel: () => end(false) },
      element("p", { id: "withdraw" }, texts.withdrawQuestion),
      element(
        "p",
        { class: "buttons" },
        element("button", { type: "button", click: () => end(true) }, texts.withdrawYes),
        element("button", { type: "button", class: "quiet", autofocus: true, click: () => end(false) }, texts.withdrawNo),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  /** Nothing more can be done. */
  withdrawn(): void {
    this.#isLive = false;
    this.#showHeader();
    this.#header.querySelector("label")?.remove();
    this.#main.replaceChildren(element("p", { role: "status" }, this.#texts.withdrawn));
  }

  attemptsExhausted(): void {
    this.#warn(this.#texts.ATTEMPTS_EXHAUSTED);
  }

  #say(text: string): void {
    this.#status.textContent = text;
  }
}

function isOfTheToken(error: unknown): boolean {
  return error instanceof RequestError && error.failure === "signedOut";
}
