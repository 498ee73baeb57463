/** Settings with which the page of the face API is served. */
export const SITE = {
  faceApiSite: "faces.bank.example",
  faceApiSiteCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/0c1d2e3f-4a5b-4c6d-8e7f-001122334455",
  faceApiAuthorizer: "jwt",
  faceApiUserPoolArn: "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_Abc123",
} as const;

/** Settings with which the review desk is served. */
export const REVIEW_SITE = {
  reviewSite: "desk.bank.example",
  reviewSiteCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/0c1d2e3f-4a5b-4c6d-8e7f-001122334466",
} as const;

/** Settings with which conversations have a gateway. */
export const GATEWAY = { conversationIssuer: "https://login.bank.example/people", conversationClients: "page,app" } as const;

/** Settings with which a model talks to people. */
export const HARNESS = { ...GATEWAY, conversationModel: "eu.amazon.nova-pro-v1:0" } as const;

/** Settings with which the page of conversations is served. */
export const CONVERSATION_SITE = {
  ...HARNESS,
  conversationSite: "join.bank.example",
  conversationSiteCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/0c1d2e3f-4a5b-4c6d-8e7f-001122334477",
  conversationSignIn: "https://people.auth.bank.example",
} as const;

type Context = Readonly<Record<string, string>>;

/** The settings that decide which resources exist, each with a value other than its default, and with the settings that it needs. */
export const VARIANTS: readonly Context[] = [
  { encryption: "customer" },
  { notificationEmail: "kyc@bank.example" },
  { operationsEmail: "on-call@bank.example" },
  { quietHours: "0" },
  { textractRegion: "eu-west-1" },
  { agentModel: "amazon.nova-pro-v1:0" },
  { faceApiShards: "2" },
  { faceApiClients: "default,page" },
  GATEWAY,
  HARNESS,
  SITE,
  REVIEW_SITE,
  CONVERSATION_SITE,
];

/** All of them together. */
export const EVERYTHING: Context = Object.assign({}, ...VARIANTS);

/**
 * Few combinations in which each two variants occur together, each without the other, and neither: none and all of them, and those between,
 * in which the variant number n is part of those of the n-th set.
 */
export function combinations(variants: readonly Context[] = VARIANTS): Context[] {
  let count = 1;
  // Two different sets of more than half of an odd number overlap, and neither contains the other.
  while (subsets(count, (count + 1) / 2).length < variants.length) count += 2;
  const sets = subsets(count, (count + 1) / 2);
  const between = Array.from({ length: count }, (_, number) => variants.filter((_, index) => sets[index]?.includes(number)));
  return [[], ...between, variants].map((chosen) => Object.assign({}, ...chosen));
}

/** The first and the last combination, and one of those between; numbers that follow each other take one after the other. */
export function part(all: readonly Context[], number: number): Context[] {
  const between = all.slice(1, -1);
  return [all[0], between[number % between.length], all.at(-1)].filter((context) => context !== undefined);
}

/** The subsets with `size` of the numbers below `count`. */
function subsets(count: number, size: number): number[][] {
  if (size === 0) return [[]];
  if (count < size) return [];
  return [...subsets(count - 1, size), ...subsets(count - 1, size - 1).map((subset) => [...subset, count - 1])];
}
