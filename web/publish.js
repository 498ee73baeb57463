/**
 * Puts the page where CloudFront finds it, with the address of its stage's API and the key of one of its clients.
 *
 * What it needs to know is in the outputs of the stage's stacks, so that no second place says where things are.
 */

import { APIGatewayClient, GetApiKeyCommand } from "@aws-sdk/client-api-gateway";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FILES, mediaType, SECURITY, SETTINGS, SITE } from "./page.js";

/**
 * @typedef {object} Options
 * @property {string} stage
 * @property {string | undefined} client Without it: the only one there is.
 * @property {boolean} dryRun
 *
 * @typedef {object} Aws
 * @property {string} region
 * @property {CloudFormationClient} cloudFormation
 * @property {APIGatewayClient} apiGateway
 * @property {S3Client} s3
 *
 * @typedef {Error & { code?: string, $metadata?: { httpStatusCode?: number } }} AwsError Without a status: no answer came.
 * @typedef {{ name: string, type: string, body: Buffer }} PageFile
 * @typedef {(line: string) => void} Say
 */

const COMMAND = "npm run publish-page -- --stage <stage> [--client <client>] [--dry-run]";
const HELP = `${COMMAND}

Puts the page of the face API into the bucket from which CloudFront serves it, and removes what is no longer part of it.
Run it after each deployment, and as often as you like.

  --stage <stage>    of the deployment; it has to serve the page, by the setting faceApiSite
  --client <client>  the one of faceApiClients as which the page is counted; may be left out where there is only one.
                     Whoever opens the page can read its key, so give the page a client of its own
  --dry-run          asks for everything, changes nothing, and says what would be changed
  --help             shows this

Credentials and region are those of the AWS CLI, for instance AWS_PROFILE and AWS_REGION. They have to allow
cloudformation:DescribeStacks, apigateway:GET, s3:ListBucket, s3:PutObject and s3:DeleteObject.
Ends with 0 when the page is published, 1 when it could not be, 2 when these options are used wrongly.`;

/** One sentence that says what is wrong, and what to do. */
class Failure extends Error {}
/** The same, about the options. */
class Misuse extends Failure {}

/**
 * @param {string[]} args
 * @returns {Promise<number>} How the process is to end.
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
    if (!(error instanceof Misuse)) return 1;
    console.error(`${COMMAND}\n--help says more.`);
    return 2;
  }
}

/**
 * @param {string[]} args
 * @returns {Options | undefined} Nothing when help is asked for.
 */
function optionsOf(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        stage: { type: "string" },
        client: { type: "string" },
        "dry-run": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    // Beyond its first sentence it is about programs in general.
    throw new Misuse(`${/** @type {Error} */ (error).message.split(/\. |\n/)[0]}.`);
  }
  const { stage, client } = values;
  if (values.help) return undefined;
  if (stage === undefined) throw new Misuse("--stage is missing: of which deployment is the page to be published?");
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(stage)) {
    throw new Misuse(`"${stage}" cannot be a stage: lower-case letters, digits and hyphens, at most 16, a letter first.`);
  }
  return { stage, client, dryRun: values["dry-run"] };
}

/**
 * @param {Options} options
 * @param {Say} say
 */
async function publish({ stage, client, dryRun }, say) {
  const aws = await connect();
  const site = await outputsOf(aws, `Bonafide-${stage}-Site`, "deploy the stage with faceApiSite and faceApiSiteCertificateArn first");
  const [bucket, address] = [site("SiteBucketName"), site("SiteUrl")];
  const faceApi = await outputsOf(aws, `Bonafide-${stage}-FaceApi`, "deploy the stage first");
  const { name, keyId } = choose(faceApi("FaceApiClientKeyIds"), client);
  const api = faceApi("FaceApiUrl");
  // Everything is read before anything is changed.
  const files = await filesOfPage({ api, authorization: "token", apiKey: await keyOf(aws, name, keyId) });
  const strangers = await keysBeside(aws, bucket, files);

  say(`${dryRun ? "Would publish" : "Publishing"} the page of ${api}, as client ${name}, to ${bucket}:`);
  for (const file of files) {
    if (!dryRun) await put(aws, bucket, file);
    say(`  put      ${file.name} (${file.type})`);
  }
  // Last: until here somebody may have the page that refers to them.
  for (const key of strangers) {
    if (!dryRun) await remove(aws, bucket, key);
    say(`  delete   ${key}`);
  }
  say(dryRun ? `Nothing was changed. The page is to be at ${address}` : `The page is at ${address}`);
}

/** @returns {Promise<Aws>} */
async function connect() {
  // The versions are pinned, and run with every Node.js that package.json allows: what later ones will ask for is no news here.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  // The AWS CLI knows both names.
  const named = process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"];
  const config = named ? { region: named } : {};
  const cloudFormation = new CloudFormationClient(config);
  let region;
  try {
    region = await cloudFormation.config.region();
  } catch {
    throw new Failure("It is not said in which region: set AWS_REGION to that of the deployment, or AWS_PROFILE to a profile that has it.");
  }
  return { region, cloudFormation, apiGateway: new APIGatewayClient(config), s3: new S3Client(config) };
}

/**
 * @param {Aws} aws
 * @param {string} stack
 * @param {string} remedy When it is not there.
 * @returns {Promise<(output: string) => string>}
 */
async function outputsOf({ region, cloudFormation }, stack, remedy) {
  const { Stacks } = await ask(
    "cloudformation:DescribeStacks",
    stack,
    cloudFormation.send(new DescribeStacksCommand({ StackName: stack })),
    {
      ValidationError: `There is no stack ${stack} in ${region}: ${remedy} (docs/DEPLOY.md), or look whether stage, region and account are right.`,
    },
  );
  const found = Stacks?.[0];
  return (output) => {
    const value = found?.Outputs?.find(({ OutputKey }) => OutputKey === output)?.OutputValue;
    if (value) return value;
    throw new Failure(`The stack ${stack} (${found?.StackStatus}) has no output ${output}: deploy it again with this version.`);
  };
}

/**
 * @param {string} clients `<client>=<id of its key>`, with commas between them.
 * @param {string | undefined} wanted
 * @returns {{ name: string, keyId: string }}
 */
function choose(clients, wanted) {
  const keyIds = new Map(clients.split(",").map((entry) => /** @type {[string, string]} */ (entry.split("="))));
  const names = [...keyIds.keys()];
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) throw new Failure(`The face API has several clients: choose one by --client (${names.join(", ")}).`);
  const keyId = keyIds.get(name);
  if (keyId !== undefined) return { name, keyId };
  throw new Failure(`The face API has no client "${name}": choose one of ${names.join(", ")}, or add it to faceApiClients and deploy.`);
}

/**
 * @param {Aws} aws
 * @param {string} client
 * @param {string} keyId
 * @returns {Promise<string>}
 */
async function keyOf({ apiGateway }, client, keyId) {
  const gone = `The key of the client ${client} is gone from API Gateway: deploy without this client, then with it, to have a new one.`;
  const { value } = await ask(
    "apigateway:GET",
    `the key of the client ${client}`,
    apiGateway.send(new GetApiKeyCommand({ apiKey: keyId, includeValue: true })),
    { NotFoundException: gone },
  );
  if (value) return value;
  throw new Failure(gone);
}

/**
 * @param {import("./site/api.js").Settings} settings
 * @returns {Promise<PageFile[]>} In the order in which they are put.
 */
async function filesOfPage(settings) {
  const files = [...FILES].map(async (name) => ({ name, type: mediaType(name), body: await readFile(join(SITE, name)) }));
  return [{ name: SETTINGS, type: mediaType(SETTINGS), body: Buffer.from(JSON.stringify(settings)) }, ...(await Promise.all(files))];
}

/**
 * @param {Aws} aws
 * @param {string} bucket
 * @param {PageFile[]} files
 * @returns {Promise<string[]>} Of objects that are no part of the page.
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
      { NoSuchBucket: `There is no bucket ${bucket}, though its stack is there: take the stack away and deploy it again.` },
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
 */
async function put({ s3 }, bucket, { name, type, body }) {
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: name,
    Body: body,
    ContentType: type,
    // CloudFront keeps files as long as the bucket says, whatever it tells browsers itself.
    CacheControl: SECURITY.headers["Cache-Control"],
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

/**
 * What services say of credentials that they do not know, or know no longer. S3 and the others have names of their own for the same.
 */
const NOT_TAKEN = new Set([
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
 * @param {string} action As a policy would name it.
 * @param {string} subject
 * @param {Promise<Answer>} answer
 * @param {Readonly<Record<string, string>>} known What to say of errors that mean something here, by their names.
 * @returns {Promise<Answer>}
 */
async function ask(action, subject, answer, known = {}) {
  try {
    return await answer;
  } catch (error) {
    throw new Failure(sentence(action, subject, /** @type {AwsError} */ (error), known));
  }
}

/**
 * @param {string} action
 * @param {string} subject
 * @param {AwsError} error
 * @param {Readonly<Record<string, string>>} known
 */
function sentence(action, subject, { name, message, code, $metadata }, known) {
  const signIn = "sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  const status = $metadata?.httpStatusCode;
  if (name === "CredentialsProviderError" || name === "TokenProviderError")
    return `There are no credentials of AWS: ${signIn}. (${message})`;
  if (NOT_TAKEN.has(name)) return `AWS does not take these credentials (${name}): ${signIn}, and look at the clock of this machine.`;
  const meant = Object.hasOwn(known, name) ? known[name] : undefined;
  if (meant !== undefined) return meant;
  if (status === 403) return `These credentials do not allow ${action} for ${subject}: use others, or have it allowed. (${message})`;
  if (status === undefined) {
    return `AWS did not answer ${action} for ${subject}: look at the network, at AWS_REGION and at AWS_ENDPOINT_URL. (${message || code || name})`;
  }
  return `AWS failed at ${action} for ${subject}: run it again. (${name}: ${message})`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
