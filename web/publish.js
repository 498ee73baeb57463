/**
 * Uploads a page to the bucket of CloudFront, with the address of the stage's API and what people need to be authorized.
 *
 * Everything that differs by deployment is read from the outputs of the stage's stacks.
 */

import { APIGatewayClient, GetApiKeyCommand } from "@aws-sdk/client-api-gateway";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { headersOf, mediaType, pageOf, PAGES, SETTINGS, signInAt } from "./page.js";

/**
 * @typedef {object} Options
 * @property {import("./page.js").PageName} page
 * @property {string} stage
 * @property {string | undefined} client Of the face API; optional if there is only one.
 * @property {boolean} dryRun
 *
 * @typedef {object} Aws
 * @property {string} region
 * @property {CloudFormationClient} cloudFormation
 * @property {APIGatewayClient} apiGateway
 * @property {S3Client} s3
 *
 * @typedef {Error & { code?: string, $metadata?: { httpStatusCode?: number } }} AwsError Without a status there was no answer.
 * @typedef {{ name: string, type: string, body: Buffer }} PageFile
 * @typedef {(line: string) => void} Say
 */

const COMMAND = "npm run publish-page -- --page faces|desk|conversation --stage <stage> [--client <client>] [--dry-run]";
const HELP = `${COMMAND}

Uploads a page to the bucket from which CloudFront serves it, and deletes files that are no longer part of it.
Run it after each deployment. It can be repeated.

  --page <page>      faces: the page of the face API. desk: the review desk, after \`npm run build --workspace web/desk\`.
                     conversation: the page of conversations, after \`npm run build --workspace web/conversation\`
  --stage <stage>    the stage of the deployment, which has to serve the page (setting faceApiSite, reviewSite or conversationSite)
  --client <client>  for faces: the client of the page, one of faceApiClients; optional if there is only one.
                     All users of the page can read its key, so give the page its own client.
                     For conversation: the page's client at the issuer, one of conversationClients; likewise
  --dry-run          reads everything, changes nothing, and prints what would be changed
  --help             shows this

Credentials and region are those of the AWS CLI, for instance AWS_PROFILE and AWS_REGION. They have to allow
cloudformation:DescribeStacks, s3:ListBucket, s3:PutObject and s3:DeleteObject; for faces, apigateway:GET as well.
The exit code is 0 when the page is published, 1 after an error, 2 for invalid options.`;

/** Its message is one sentence with the cause and the remedy. */
class PublishError extends Error {}
/** An error in the options. */
class UsageError extends PublishError {}

/**
 * @param {string[]} args
 * @returns {Promise<number>} The exit code.
 */
async function main(args) {
  try {
    const options = optionsOf(args);
    if (options) await publish(options, console.log);
    else console.log(HELP);
    return 0;
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    console.error(message.replace(/\s+/g, " "));
    if (!(error instanceof UsageError)) return 1;
    console.error(`${COMMAND}\nSee --help for more.`);
    return 2;
  }
}

/**
 * @param {string[]} args
 * @returns {Options | undefined} Undefined for --help.
 */
function optionsOf(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        page: { type: "string" },
        stage: { type: "string" },
        client: { type: "string" },
        "dry-run": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    // The other sentences are general advice.
    throw new UsageError(`${/** @type {Error} */ (error).message.split(/\. |\n/)[0]}.`);
  }
  const { stage, client } = values;
  if (values.help) return undefined;
  const page = PAGES.find((name) => name === values.page);
  if (page === undefined) {
    throw new UsageError(
      `${values.page === undefined ? "--page is missing" : `There is no page "${values.page}"`}: choose one of ${PAGES.join(", ")}.`,
    );
  }
  if (client !== undefined && page === "desk") throw new UsageError("--client is for the other pages: the review API has no clients.");
  if (stage === undefined) throw new UsageError("--stage is missing: name the stage whose page is to be published.");
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(stage)) {
    throw new UsageError(`"${stage}" is no valid stage: lower-case letters, digits and hyphens, at most 16, a letter first.`);
  }
  return { page, stage, client, dryRun: values["dry-run"] };
}

/**
 * @param {Options} options
 * @param {Say} say
 */
async function publish({ page, stage, client, dryRun }, say) {
  const aws = await connect();
  const { stack, settings: names, settingsOf } = HOSTED[page];
  const site = await outputsOf(aws, `Bonafide-${stage}-${stack}`, `deploy the stage with ${names} first`);
  const [bucket, address] = [site("SiteBucketName"), site("SiteUrl")];
  const { what, settings } = await settingsOf(aws, stage, client);
  // Everything is read before anything is changed.
  const files = await filesOfPage(page, settings);
  const obsolete = await keysBeside(aws, bucket, files);

  say(`${dryRun ? "Would publish" : "Publishing"} ${what}, to ${bucket}:`);
  const cacheControl = headersOf(page, {})["Cache-Control"];
  for (const file of files) {
    if (!dryRun) await put(aws, bucket, file, cacheControl);
    say(`  put      ${file.name} (${file.type})`);
  }
  // Last, since the old page refers to these files.
  for (const key of obsolete) {
    if (!dryRun) await remove(aws, bucket, key);
    say(`  delete   ${key}`);
  }
  say(dryRun ? `Nothing was changed. The page will be at ${address}` : `The page is at ${address}`);
}

/**
 * How each page is hosted: its stack, the settings that make it, and what of the outputs its own settings are made of.
 *
 * @type {Readonly<Record<import("./page.js").PageName, {
 *   stack: string,
 *   settings: string,
 *   settingsOf: (aws: Aws, stage: string, client: string | undefined) => Promise<{ what: string, settings: object }>,
 * }>>}
 */
const HOSTED = {
  faces: { stack: "Site", settings: "faceApiSite and faceApiSiteCertificateArn", settingsOf: settingsOfFaces },
  desk: { stack: "ReviewSite", settings: "reviewSite and reviewSiteCertificateArn", settingsOf: settingsOfDesk },
  conversation: {
    stack: "ConversationSite",
    settings: "conversationSite and conversationSiteCertificateArn",
    settingsOf: settingsOfConversation,
  },
};

/**
 * @param {Aws} aws
 * @param {string} stage
 * @param {string | undefined} client
 */
async function settingsOfFaces(aws, stage, client) {
  const faceApi = await outputsOf(aws, `Bonafide-${stage}-FaceApi`, "deploy the stage first");
  const { name, keyId } = choose(faceApi("FaceApiClientKeyIds"), client, "The face API", "faceApiClients");
  const api = faceApi("FaceApiUrl");
  /** @type {import("./site/api.js").Settings} */
  const settings = { api, authorization: "token", apiKey: await keyOf(aws, name, keyId) };
  return { what: `the page of ${api}, as client ${name}`, settings };
}

/**
 * @param {Aws} aws
 * @param {string} stage
 */
async function settingsOfDesk(aws, stage) {
  const review = await outputsOf(aws, `Bonafide-${stage}-Review`, "deploy the stage first");
  const api = review("ReviewApiUrl");
  const signIn = signInAt(review("ReviewSignInUrl"), review("ReviewClientId"), review("ReviewScopes"));
  const states = `https://${aws.region}.console.aws.amazon.com/states/home?region=${aws.region}`;
  const console = `${states}#/v2/executions/details/${review("ReviewExecutionsArn")}`;
  return { what: `the review desk of ${api}`, settings: { api, signIn, console } };
}

/**
 * @param {Aws} aws
 * @param {string} stage
 * @param {string | undefined} client
 */
async function settingsOfConversation(aws, stage, client) {
  const conversation = await outputsOf(aws, `Bonafide-${stage}-Conversation`, "deploy the stage first");
  const issuer = conversation("ConversationIssuer");
  const clients = conversation("ConversationClients");
  const { name } = choose(clients.replace(/[^,]+/g, "$&=$&"), client, "The issuer", "conversationClients");
  // CloudFront passes these paths on to the gateways.
  const { pathname: tools } = new URL(conversation("GatewayUrl"));
  const harness = new URL(conversation("HarnessUrl"));
  const settings = { tools, harness: `${harness.pathname}${harness.search}`, issuer, clientId: name };
  return { what: `the page of conversations with people of ${issuer}, as client ${name}`, settings };
}

/** @returns {Promise<Aws>} */
async function connect() {
  // The versions are pinned, and run with every Node.js that package.json allows.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  // The AWS CLI accepts both names.
  const named = process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"];
  const config = named ? { region: named } : {};
  const cloudFormation = new CloudFormationClient(config);
  let region;
  try {
    region = await cloudFormation.config.region();
  } catch {
    throw new PublishError("There is no region: set AWS_REGION to that of the deployment, or AWS_PROFILE to a profile that has one.");
  }
  return { region, cloudFormation, apiGateway: new APIGatewayClient(config), s3: new S3Client(config) };
}

/**
 * @param {Aws} aws
 * @param {string} stack
 * @param {string} remedy If the stack does not exist.
 * @returns {Promise<(output: string) => string>}
 */
async function outputsOf({ region, cloudFormation }, stack, remedy) {
  const { Stacks } = await ask(
    "cloudformation:DescribeStacks",
    stack,
    cloudFormation.send(new DescribeStacksCommand({ StackName: stack })),
    {
      ValidationError: `There is no stack ${stack} in ${region}: ${remedy} (docs/DEPLOY.md), or check stage, region and account.`,
    },
  );
  const found = Stacks?.[0];
  return (output) => {
    const value = found?.Outputs?.find(({ OutputKey }) => OutputKey === output)?.OutputValue;
    if (value) return value;
    throw new PublishError(`The stack ${stack} (${found?.StackStatus}) has no output ${output}: deploy it again with this version.`);
  };
}

/**
 * @param {string} clients `<client>=<id of its key>`, separated by commas.
 * @param {string | undefined} wanted
 * @param {string} owner Who has the clients.
 * @param {string} setting The setting that names them.
 * @returns {{ name: string, keyId: string }}
 */
function choose(clients, wanted, owner, setting) {
  const keyIds = new Map(clients.split(",").map((entry) => /** @type {[string, string]} */ (entry.split("="))));
  const names = [...keyIds.keys()];
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) throw new PublishError(`${owner} has several clients: choose one by --client (${names.join(", ")}).`);
  const keyId = keyIds.get(name);
  if (keyId !== undefined) return { name, keyId };
  throw new PublishError(`${owner} has no client "${name}": choose one of ${names.join(", ")}, or add it to ${setting} and deploy.`);
}

/**
 * @param {Aws} aws
 * @param {string} client
 * @param {string} keyId
 * @returns {Promise<string>}
 */
async function keyOf({ apiGateway }, client, keyId) {
  const missing = `The key of the client ${client} does not exist in API Gateway any more: deploy without this client, then with it, to get a new one.`;
  const { value } = await ask(
    "apigateway:GET",
    `the key of the client ${client}`,
    apiGateway.send(new GetApiKeyCommand({ apiKey: keyId, includeValue: true })),
    { NotFoundException: missing },
  );
  if (value) return value;
  throw new PublishError(missing);
}

/**
 * @param {import("./page.js").PageName} page
 * @param {object} settings
 * @returns {Promise<PageFile[]>} In the order of upload.
 */
async function filesOfPage(page, settings) {
  const { folder, files } = pageOf(page);
  const read = [...files].map(async (name) => ({ name, type: mediaType(name), body: await readFile(join(folder, name)) }));
  return [{ name: SETTINGS, type: mediaType(SETTINGS), body: Buffer.from(JSON.stringify(settings)) }, ...(await Promise.all(read))];
}

/**
 * @param {Aws} aws
 * @param {string} bucket
 * @param {PageFile[]} files
 * @returns {Promise<string[]>} The keys of objects that are not part of the page.
 */
async function keysBeside({ s3 }, bucket, files) {
  const own = new Set(files.map(({ name }) => name));
  const keys = [];
  /** @type {string | undefined} */
  let next;
  do {
    const page = await ask(
      "s3:ListBucket",
      bucket,
      s3.send(new ListObjectsV2Command({ Bucket: bucket, ...(next ? { ContinuationToken: next } : {}) })),
      { NoSuchBucket: `There is no bucket ${bucket}, though its stack exists: delete the stack and deploy it again.` },
    );
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key === undefined || own.has(Key) ? [] : [Key])));
    next = page.NextContinuationToken;
  } while (next);
  return keys;
}

/**
 * @param {Aws} aws
 * @param {string} bucket
 * @param {PageFile} file
 * @param {string | undefined} cacheControl
 */
async function put({ s3 }, bucket, { name, type, body }, cacheControl) {
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: name,
    Body: body,
    ContentType: type,
    // CloudFront caches files according to the header in the bucket, not according to its own answer to browsers.
    CacheControl: cacheControl,
  });
  await ask("s3:PutObject", `${bucket}/${name}`, s3.send(command));
}

/**
 * @param {Aws} aws
 * @param {string} bucket
 * @param {string} key
 */
async function remove({ s3 }, bucket, key) {
  await ask("s3:DeleteObject", `${bucket}/${key}`, s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
}

/** Errors for invalid or expired credentials, whose names differ by service. */
const CREDENTIAL_ERRORS = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "InvalidToken",
  "RequestExpired",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);

/**
 * @template Answer
 * @param {string} action The action in IAM.
 * @param {string} subject
 * @param {Promise<Answer>} answer
 * @param {Readonly<Record<string, string>>} known Messages for expected errors, by name.
 * @returns {Promise<Answer>}
 */
async function ask(action, subject, answer, known = {}) {
  try {
    return await answer;
  } catch (error) {
    throw new PublishError(sentence(action, subject, /** @type {AwsError} */ (error), known));
  }
}

/**
 * @param {string} action
 * @param {string} subject
 * @param {AwsError} error
 * @param {Readonly<Record<string, string>>} known
 */
function sentence(action, subject, { name, message, code, $metadata }, known) {
  const signIn = "sign in (aws login or aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  const status = $metadata?.httpStatusCode;
  if (name === "CredentialsProviderError" || name === "TokenProviderError") return `There are no AWS credentials: ${signIn}. (${message})`;
  if (CREDENTIAL_ERRORS.has(name)) return `AWS refused these credentials (${name}): ${signIn}, and check the clock of this machine.`;
  const expected = Object.hasOwn(known, name) ? known[name] : undefined;
  if (expected !== undefined) return expected;
  if (status === 403) return `These credentials do not allow ${action} for ${subject}: use others, or add the permission. (${message})`;
  if (status === undefined) {
    return `AWS did not answer ${action} for ${subject}: check the network, AWS_REGION and AWS_ENDPOINT_URL. (${message || code || name})`;
  }
  return `AWS failed at ${action} for ${subject}: run it again. (${name}: ${message})`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
