import consent from "./consent.json";
import texts from "./texts.json";

export type Language = keyof typeof texts;
export type Texts = (typeof texts)["en"];

/** The languages of the page, which are also those of the text of consent. */
export const LANGUAGES = Object.keys(texts) as Language[];

export const textsOf = (language: Language): Texts => texts[language];

/** The text to which people consent. Its version changes with it. */
export const consentOf = (language: Language) => ({ version: consent.version, language, text: consent.texts[language] });

/** The language of the browser, if the page has it. */
export function preferred(): Language {
  for (const wanted of navigator.languages) {
    const found = LANGUAGES.find((language) => language === wanted.slice(0, 2));
    if (found !== undefined) return found;
  }
  return "en";
}
