/** Which retentions there are, with the days after which data are erased. The machine SweepRetention applies them. */
export type Retention = Readonly<Record<RetentionName, number>>;

const NAMES = ["unfinished", "declined", "referred", "customer"] as const;
type RetentionName = (typeof NAMES)[number];

const isName = (name: string): name is RetentionName => (NAMES as readonly string[]).includes(name);

/** A century: what is kept for longer is kept for ever. */
const MOST_DAYS = 36_500;

/** Reads `declined=365,customer=1827`; a retention that is not named keeps its default. */
export const retentionFrom =
  (setting: string, defaults: Retention) =>
  (given: string): Retention => {
    const days = { ...defaults };
    for (const pair of given.split(",").map((part) => part.trim())) {
      if (pair === "") continue;
      const [name = "", number = ""] = pair.split("=");
      if (!isName(name)) throw new Error(`${setting} contains "${pair}", but the retentions are ${NAMES.join(", ")}.`);
      if (!/^\d+$/.test(number) || Number(number) > MOST_DAYS) {
        throw new Error(`${setting} contains "${pair}", but ${name} has to be a number of days from 0 to ${MOST_DAYS}.`);
      }
      days[name] = Number(number);
    }
    return days;
  };

/** As the machine reads it. */
export const retentionText = (days: Retention): string => NAMES.map((name) => `${name}=${days[name]}`).join(",");
