/** Signs the person in, asks for the consent, and lets them talk. */

import { type Session, startSession } from "../../shared/session";
import { type Config, discover, readConfig } from "./config";
import { Conversation } from "./conversation";
import { Harness } from "./harness";
import { RequestError } from "./request";
import { consentOf, type Language, LANGUAGES, preferred } from "./texts";
import { Tools } from "./tools";
import { type Country, View } from "./view";

const view = new View(chosen(), {
  agree: (country, language) => void page?.agree(country, language),
  say: (text) => void page?.say(text),
  withdraw: () => void page?.withdraw(),
});
let page: Page | undefined;

/** The page after the sign-in. */
class Page {
  readonly #session: Session;
  readonly #tools: Tools;
  readonly #conversation: Conversation;
  #country: Country = "SE";
  #first = "";
  #isOver = false;

  constructor(config: Config, session: Session) {
    this.#session = session;
    this.#tools = new Tools(config.tools, session.token);
    this.#conversation = new Conversation(new Harness(config.harness, session.token), this.#tools, view);
  }

  agree(country: Country, language: Language): Promise<void> {
    return this.#try(async () => {
      view.working("give_consent");
      const answer = await this.#tools.consent(country, consentOf(language));
      view.waiting(false);
      if (answer.reasons?.includes("ATTEMPTS_EXHAUSTED")) return view.attemptsExhausted();
      if (answer.state !== undefined) throw new RequestError("unavailable");
      this.#country = country;
      // The model answers in the language of the first message.
      this.#first = `The person has agreed on the page. Their document is of ${country}. Answer in the language "${language}". Begin.`;
      // A later sign-in keeps the language.
      location.hash = language;
      view.conversation();
      await this.#conversation.begin(this.#first);
    });
  }

  say(text: string): Promise<void> {
    view.person(text);
    return this.#try(() => this.#conversation.say(text));
  }

  withdraw(): Promise<void> {
    this.#isOver = true;
    return this.#try(async () => {
      view.working("give_consent");
      await this.#tools.withdraw(this.#country);
      view.withdrawn();
    }, true);
  }

  /** Does it, or tells the person what helps and does that. */
  async #try(act: () => Promise<void>, isWithdrawal = false): Promise<void> {
    try {
      await act();
      if (!this.#isOver) view.waiting(false);
    } catch (error) {
      // What is still under way after a withdrawal does not matter.
      if (this.#isOver && !isWithdrawal) return;
      this.#explain(error, isWithdrawal ? () => this.withdraw() : () => this.#try(() => this.#conversation.resume()), act);
    }
  }

  #explain(error: unknown, resume: () => Promise<void>, act: () => Promise<void>): void {
    const failure = error instanceof RequestError ? error.failure : "unknown";
    if (failure === "signedOut") view.problem(failure, view.remedy("signIn"), () => void this.#session.signIn());
    else if (failure === "interrupted") {
      view.problem(failure, view.remedy("again"), () => void this.#try(() => this.#conversation.begin(this.#first)));
    } else if (failure === "refused" || failure === "unknown") view.problem(failure, undefined, () => {});
    else view.problem(failure, view.remedy("retry"), () => void (this.#first === "" ? this.#try(act) : resume()));
  }
}

/** The language that the address names, which a sign-in keeps, or that of the browser. */
function chosen(): Language {
  return LANGUAGES.find((language) => location.hash === `#${language}`) ?? preferred();
}

try {
  const config = await readConfig();
  const session = await startSession(await discover(config));
  if (session !== undefined) {
    page = new Page(config, session);
    view.consent();
  }
} catch {
  view.problem("offline", view.remedy("retry"), () => location.reload());
}
