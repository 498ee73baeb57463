//! `bonafide`: the operators' command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bonafide_cli::Error;
use bonafide_cli::commands::{self, Erasing, How, Session, parse_id};
use bonafide_cli::explain::Sentences;
use bonafide_cli::judge::Judge;
use bonafide_cli::list::{Filter, Since};
use bonafide_cli::package::Parts;
use bonafide_cli::preflight::Synthesised;
use bonafide_cli::queues::Queue;
use bonafide_cli::rates::ErrorRates;
use bonafide_cli::review::{self, CasePath, Decision, Identity, Keeping};
use bonafide_cli::submit::Package;
use bonafide_cli::target::Choice;
use bonafide_domain::{ApplicationId, Consent, ConsentVersion, InvalidConsentTime, ReasonCode, Thresholds};
use bonafide_worker::instant;
use chrono::{DateTime, Utc};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

/// The help text: an example, and the part that all commands share.
macro_rules! help {
    ($example:literal) => {
        concat!(
            "Example:\n  ",
            $example,
            "\n
Where: the local AWS of this folder if one is up (`cargo xtask up`), otherwise the AWS account of your profile.
Seconds after the upload are those from the upload to the outcome, as recorded by the pipeline.

Exit codes:
  0  done; with --wait: every application has its outcome, whichever it is; referred means that a person has to decide
  1  the system could not judge (a failure is recorded), an upload was refused, an application cannot be replayed or
     reopened, appealed or erased, a case cannot be claimed, released or decided so, a dead-letter queue holds messages, or
     preflight has found what blocks a deployment
  2  wrong usage: an argument, a file's name, a file that cannot be read, a package that would be refused
  3  no such application, execution or case
  4  no outcome in time, or a replay has not ended in time
  5  AWS: credentials, region, not deployed, access refused, throttled, no answer
Several applications have a line each, and the highest code counts."
        )
    };
}

/// Makes and submits packages, shows applications, replays failures, reopens applications, appeals for them, holds, erases and exports their data, and decides cases. Shows no personal data unless asked to.
#[derive(Debug, Parser)]
#[command(name = "bonafide", version, after_help = help!("bonafide submit samples/packages/approved.zip --wait"))]
struct Arguments {
    #[command(flatten)]
    choice: Choice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a package of details and pictures; it is checked first as the pipeline will check it. Needs no AWS
    #[command(after_help = help!(
        "bonafide package --id my-first --details details.csv --license front.jpg --selfie selfie.jpg
  bonafide package --id my-first --first-name JANE --last-name DOE --birth-date 1957-01-12 --address '123 MAIN ST' \\
      --city TALLAHASSEE --state FL --zip-code 32399 --document-number D123456579010 --license front.jpg --selfie selfie.jpg"
    ))]
    Package {
        #[command(flatten)]
        parts: Box<Parts>,
        #[command(flatten)]
        output: Output,
    },
    /// Look for what would make a deployment fail, with the command that helps; exit code 1 if something blocks it. Changes nothing.
    /// Run it before `cdk deploy`, on what `cdk synth` has written with the same settings
    #[command(after_help = help!("bonafide preflight --app cdk/cdk.out --region eu-west-1"))]
    Preflight {
        #[command(flatten)]
        synthesised: Synthesised,
        #[command(flatten)]
        output: Output,
    },
    /// Upload packages (<application id>.zip)
    #[command(after_help = help!("bonafide submit my-first.zip --wait"))]
    Submit {
        /// The files; each name without .zip is the application's id: A-Z, a-z, 0-9, _ and -, at most 64
        #[arg(required = true, value_name = "PACKAGE.zip")]
        packages: Vec<PathBuf>,
        /// The person has consented to the processing of biometric data: the version of the text. For every package of the command
        #[arg(long, value_name = "VERSION", requires = "consent_at")]
        consent_version: Option<ConsentVersion>,
        /// When the person has agreed to it, such as 2026-11-21T09:30:00Z
        #[arg(long, value_name = "TIME", value_parser = consent_time, requires = "consent_version")]
        consent_at: Option<DateTime<Utc>>,
        #[command(flatten)]
        wait: Wait,
        #[command(flatten)]
        output: Output,
    },
    /// Show the status of an application: outcome, reasons, scores, execution
    #[command(after_help = help!("bonafide status my-first"))]
    Status {
        /// Its id
        application_id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Show everything about an application: its submissions, also refused ones, with checks, scores, evidence and executions
    #[command(after_help = help!("bonafide show my-first
  bonafide show my-first --reveal --as ann"))]
    Show {
        /// Its id
        application_id: String,
        /// Also show stated details, document fields and the reasons for reopening and appeal. This is personal data. The review API
        /// records the look first
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// List applications, the latest change first
    #[command(after_help = help!("bonafide list --outcome declined --since 2d"))]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        output: Output,
    },
    /// Show executions state by state: start, duration, attempts and errors, with child executions
    #[command(after_help = help!("bonafide history my-first"))]
    History {
        /// An application's id, or the ARN of an execution
        #[arg(value_name = "APPLICATION_ID|ARN")]
        what: String,
        #[command(flatten)]
        output: Output,
    },
    /// Replay failures through the review API: resume the execution where it failed, or judge the upload again where that is not possible
    #[command(after_help = help!("bonafide replay --all-failed --since 6h --dry-run --as ann"))]
    Replay(Replay),
    /// Reopen an application that accepts no upload, through the review API: attempts are counted from the beginning
    #[command(after_help = help!("bonafide reopen my-first --reason 'The licence was renewed.' --as ann"))]
    Reopen {
        /// Its id
        application_id: String,
        /// The reason. It is kept only in the record of the application, and shown by `show --reveal`. The decision record has the time and
        /// the id of the reviewer, who may not approve the application
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// Appeal against a decline, through the review API: all checks run again on the same evidence, and two other people decide
    #[command(after_help = help!("bonafide appeal my-first --reason 'The portrait is ten years old.' --as ann"))]
    Appeal {
        /// Its id
        application_id: String,
        /// The reason. It is kept only in the record of the application, and shown by `show --reveal`. The decision record has the time and
        /// the id of the reviewer, who may not approve the application
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// End the relationship with a customer, or take that end back, through the review API
    Customer {
        #[command(subcommand)]
        action: CustomerAction,
    },
    /// Hold the data of an application, through the review API: they are not erased, neither on request nor at the end of their retention
    #[command(after_help = help!("bonafide hold my-first --reason 'A court has asked for the records.' --as ann"))]
    Hold {
        #[command(flatten)]
        change: Change,
    },
    /// End the hold of the data of an application, through the review API
    #[command(after_help = help!("bonafide unhold my-first --reason 'The proceedings have ended.' --as ann"))]
    Unhold {
        #[command(flatten)]
        change: Change,
    },
    /// Erase the data of an application, through the review API: pictures, faces, customer, cases, submissions and the application. The
    /// decision records stay; they have no personal data
    #[command(after_help = help!("bonafide erase my-first --reason 'The applicant has asked for it.' --dry-run --as ann"))]
    Erase {
        #[command(flatten)]
        change: Change,
        /// Show what would be deleted, and delete nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// Write everything about an application into a file for the person: records, pictures, and a page that explains them. This is personal
    /// data. The review API records the look first
    #[command(after_help = help!("bonafide export my-first --output my-first-data.zip --as ann"))]
    Export {
        #[command(flatten)]
        subject: Subject,
        /// The file, which must not exist
        #[arg(long, value_name = "FILE.zip")]
        output: PathBuf,
        #[command(flatten)]
        identity: Identity,
        /// JSON on standard output, one object to a line
        #[arg(long)]
        json: bool,
    },
    /// List, read and decide the cases that wait for a person, through the review API
    #[command(subcommand, after_help = help!(
        "bonafide review list --as ann
  bonafide review claim my-first/0123456789abcde-1 --as ann
  bonafide review decide my-first/0123456789abcde-1 decline --reason FACE_MISMATCH --as ann"
    ))]
    Review(Review),
    /// Read and verify the records of what was decided about applications
    #[command(subcommand, after_help = help!("bonafide audit show my-first"))]
    Audit(Audit),
    /// Inspect the dead-letter queues, and send their messages back for processing
    #[command(subcommand, after_help = help!("bonafide dlq list"))]
    Dlq(Dlq),
    /// Show applications continuously as they change
    #[command(after_help = help!("bonafide watch --outcome failed --for 10m"))]
    Watch {
        #[command(flatten)]
        filter: Filter,
        /// Interval between two polls
        #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration)]
        every: Duration,
        /// Stop after this time; without it, Ctrl-C stops
        #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
        until: Option<Duration>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        output: Output,
    },
    /// Judge documents by answers of `AnalyzeID`, as the pipeline would, for tuning and for tests. Needs no AWS
    #[command(after_help = help!("bonafide judge --analyze-id response.json --details details.csv --as-of 2026-11-21"))]
    Judge {
        #[command(flatten)]
        judge: Box<Judge>,
        #[command(flatten)]
        output: Output,
    },
    /// Print how often faces are matched wrongly at each threshold, from pairs that people have labelled. Needs no AWS
    #[command(after_help = help!("bonafide error-rates pairs.csv --from 90 --to 99 --step 0.5"))]
    ErrorRates {
        #[command(flatten)]
        rates: ErrorRates,
        #[command(flatten)]
        output: Output,
    },
    /// Print the completions of a shell, to be sourced by it
    #[command(after_help = help!("source <(bonafide completions bash)"))]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
struct Output {
    /// JSON on standard output, one object to a line
    #[arg(long)]
    json: bool,
}

/// An application, by its own id or by that of the customer that it has become.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// Its id
    application_id: Option<String>,
    /// In place of it, the id of the customer that it has become, which is searched for in the whole table of customers
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
}

impl Subject {
    async fn open(&self, choice: &Choice) -> Result<(Session, ApplicationId), Error> {
        // Checked before connecting.
        let id = self.application_id.as_deref().map(parse_id).transpose()?;
        let session = Session::open(choice).await?;
        let id = match (id, &self.customer) {
            (Some(id), _) => id,
            (None, customer) => session.application_of(customer.as_deref().unwrap_or_default()).await?,
        };
        Ok((session, id))
    }
}

/// A change of an application by a reviewer.
#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    subject: Subject,
    /// The reason. It is kept only in the record of the application. The decision record has the time and the id of the reviewer
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Wait {
    /// Wait for the outcomes, or for the end
    #[arg(long)]
    wait: bool,
    /// With --wait: give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    timeout: u64,
}

impl Wait {
    fn limit(&self) -> Option<Duration> {
        self.wait.then(|| Duration::from_secs(self.timeout))
    }
}

#[derive(Debug, Args)]
struct Limit {
    /// Show at most this many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
struct Replay {
    /// The applications
    #[arg(value_name = "APPLICATION_ID", required_unless_present = "all_failed")]
    application_ids: Vec<String>,
    /// Every application that has failed
    #[arg(long, conflicts_with = "application_ids")]
    all_failed: bool,
    /// With --all-failed: only those that failed since (90m, 6h, 2d, 2026-11-21)
    #[arg(long, value_name = "WHEN", conflicts_with = "application_ids")]
    since: Option<Since>,
    /// Start a new execution, with the definitions and workers that are deployed now; a redrive keeps the old ones
    #[arg(long)]
    fresh: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    output: Output,
}

/// The relationship with the customer that an approved application has become
#[derive(Debug, Subcommand)]
enum CustomerAction {
    /// End it: from now on the data are kept by the retention of former customers, and erased at its end
    #[command(after_help = help!("bonafide customer end my-first --reason 'The customer has closed the account.' --as ann"))]
    End {
        #[command(flatten)]
        change: Change,
    },
    /// Take the end back: the data stay until the relationship ends
    #[command(after_help = help!("bonafide customer resume my-first --reason 'Another account was meant.' --as ann"))]
    Resume {
        #[command(flatten)]
        change: Change,
    },
}

#[derive(Debug, Subcommand)]
enum Review {
    /// Sign in with the browser, and print the access token: `export BONAFIDE_REVIEW_TOKEN=$(bonafide review sign-in)`
    #[command(after_help = help!("export BONAFIDE_REVIEW_TOKEN=$(bonafide review sign-in)"))]
    SignIn,
    /// List cases, the oldest first
    #[command(after_help = help!("bonafide review list --reason FACE_DUPLICATE"))]
    List {
        #[command(flatten)]
        filter: review::Filter,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// Show a case with personal data: details, document and barcode field by field, scores, and addresses of the pictures, which are
    /// valid for a minute. The decision records say who has seen it
    #[command(after_help = help!("bonafide review show my-first/0123456789abcde-1"))]
    Show {
        /// The case, as `list` prints it
        case: CasePath,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// Claim a case for 15 minutes, or renew the claim
    #[command(after_help = help!("bonafide review claim my-first/0123456789abcde-1"))]
    Claim {
        /// The case, as `list` prints it
        case: CasePath,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// Give a claim back
    #[command(after_help = help!("bonafide review release my-first/0123456789abcde-1"))]
    Release {
        /// The case, as `list` prints it
        case: CasePath,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// Add a note to an open case, without a decision. It needs no claim
    #[command(after_help = help!("bonafide review note my-first/0123456789abcde-1 'The portrait is ten years old.'"))]
    Note {
        /// The case, as `list` prints it
        case: CasePath,
        /// The note for colleagues. It stays in the case
        #[arg(value_name = "TEXT", value_parser = reason)]
        note: String,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
    /// Decide a claimed case. Some approvals need a second person
    #[command(after_help = help!("bonafide review decide my-first/0123456789abcde-1 resubmit --reason SELFIE_TOO_DARK"))]
    Decide {
        /// The case, as `list` prints it
        case: CasePath,
        /// The decision
        decision: Decision,
        /// A reason that the applicant is told; can be repeated. A decline or resubmission has at least one, an approval none
        #[arg(long = "reason", value_name = "CODE")]
        reasons: Vec<ReasonCode>,
        /// A note for colleagues. It stays in the case
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        note: Option<String>,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Tell what was decided about an application, when, by whom and by which rules: its decision records, without personal data
    #[command(after_help = help!("bonafide audit show my-first"))]
    Show {
        /// Its id
        application_id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Check that the decision records are those that were written and sealed; exit code 1 if not
    #[command(after_help = help!("bonafide audit verify --all"))]
    Verify {
        /// The application
        #[arg(required_unless_present = "all")]
        application_id: Option<String>,
        /// Every application
        #[arg(long, conflicts_with = "application_id")]
        all: bool,
        #[command(flatten)]
        output: Output,
    },
    /// After a disaster: put decision records that the table has lost back from their seals, and tell what they say. Changes nothing that
    /// is there. It needs the right to write to the table of decisions, which no role of the deployment gives to a person
    #[command(after_help = help!("bonafide audit restore --all --dry-run"))]
    Restore {
        /// The application
        #[arg(required_unless_present = "all")]
        application_id: Option<String>,
        /// Every application
        #[arg(long, conflicts_with = "application_id")]
        all: bool,
        /// Tell what would be put back, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Explain the outcome: the sentences for the applicant, what staff compares, and whether a person took part
    #[command(after_help = help!("bonafide audit explain my-first --sentences german.json"))]
    Explain {
        /// Its id
        application_id: String,
        /// Sentences in another language than English: a JSON object with one for each reason code
        #[arg(long, value_name = "FILE.json")]
        sentences: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Judge the recorded scores again: by the thresholds of the decision, from which its reasons have to follow, and by others
    #[command(after_help = help!("bonafide audit rejudge my-first --thresholds SimilarityPass=97"))]
    Rejudge {
        /// Its id
        application_id: String,
        /// The other thresholds, where they differ from the standard of this version: FieldConfidence=0.95,LastNameNear=75
        #[arg(long, value_name = "NAME=NUMBER,…", default_value = "", hide_default_value = true, value_parser = Thresholds::with)]
        thresholds: Thresholds,
        #[command(flatten)]
        output: Output,
    },
    /// List the rules by which submissions were judged: thresholds and machines, when they were in use, and what changed between them
    #[command(after_help = help!("bonafide audit rules"))]
    Rules {
        #[command(flatten)]
        output: Output,
    },
    /// Write the decision records of a period into a zip file: each in a file that has its number and its SHA-256 digest in the name
    #[command(after_help = help!("bonafide audit export --since 2026-10-01 --until 2027-01-01 --to records.zip"))]
    Export {
        /// From then on (90m, 6h, 2d, 2026-11-21)
        #[arg(long, value_name = "WHEN")]
        since: Since,
        /// Until then; without it, until now
        #[arg(long, value_name = "WHEN")]
        until: Option<Since>,
        /// The file. It must not exist
        #[arg(long, value_name = "FILE.zip")]
        to: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Subcommand)]
enum Dlq {
    /// Show the number of messages in each queue; exit code 1 if there are any
    #[command(after_help = help!("bonafide dlq list"))]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show the messages of a queue; they stay there
    #[command(after_help = help!("bonafide dlq show uploads"))]
    Show {
        /// The queue
        queue: Queue,
        /// Also show the bodies of the messages. Their keys may be personal data
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        output: Output,
    },
    /// Send the messages of a queue back to where they failed
    #[command(after_help = help!("bonafide dlq redrive uploads"))]
    Redrive {
        /// The queue
        queue: Queue,
        #[command(flatten)]
        output: Output,
    },
}

fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("a reason or a note has at least one word"),
        reason => Ok(reason.to_owned()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Box::pin(run(arguments)).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::from(error.exit_code())
        }
    }
}

async fn keep(choice: &Choice, change: Change, keeping: Keeping) -> Result<u8, Error> {
    let Change { subject, reason, identity, output } = change;
    let (session, id) = subject.open(choice).await?;
    session.keep(&identity, &id, keeping, &reason, output.json).await
}

async fn erase(choice: &Choice, change: Change, is_dry_run: bool, wait: &Wait) -> Result<u8, Error> {
    let Change { subject, reason, identity, output } = change;
    let (session, id) = subject.open(choice).await?;
    session.erase(&identity, &id, &reason, Erasing { is_dry_run, wait: wait.limit() }, output.json).await
}

fn consent_time(text: &str) -> Result<DateTime<Utc>, InvalidConsentTime> {
    Consent::time(text, instant())
}

/// Checks the arguments before connecting, so that a typing error needs no sign-in.
async fn run(Arguments { choice, command }: Arguments) -> Result<u8, Error> {
    match command {
        Command::Package { parts, output } => {
            commands::package(&parts, output.json)?;
            Ok(0)
        }
        Command::Preflight { synthesised, output } => synthesised.run(&choice, output.json).await,
        Command::Submit { packages, consent_version, consent_at, wait, output } => {
            let consent = consent_version.zip(consent_at).map(|(version, at)| Consent { version, at });
            let packages = Package::all(&packages)?;
            for warning in packages.iter().filter_map(Package::warning) {
                eprintln!("warning: {warning}");
            }
            Session::open(&choice).await?.submit(&packages, consent.as_ref(), wait.limit(), output.json).await
        }
        Command::Status { application_id, output } => {
            let id = parse_id(&application_id)?;
            Session::open(&choice).await?.status(&id, output.json).await
        }
        Command::Show { application_id, reveal, identity, output } => {
            let id = parse_id(&application_id)?;
            Session::open(&choice).await?.show(&id, reveal.then_some(&identity), output.json).await
        }
        Command::List { filter, limit, output } => {
            Session::open(&choice).await?.list(&filter, limit.limit, output.json).await
        }
        Command::History { what, output } => {
            if !what.starts_with("arn:") {
                parse_id(&what)?;
            }
            Session::open(&choice).await?.history(&what, output.json).await
        }
        Command::Reopen { application_id, reason, identity, output } => {
            let id = parse_id(&application_id)?;
            Session::open(&choice).await?.reopen(&identity, &id, &reason, output.json).await
        }
        Command::Appeal { application_id, reason, identity, output } => {
            let id = parse_id(&application_id)?;
            Session::open(&choice).await?.appeal(&identity, &id, &reason, output.json).await
        }
        Command::Customer { action: CustomerAction::End { change } } => keep(&choice, change, Keeping::End).await,
        Command::Customer { action: CustomerAction::Resume { change } } => keep(&choice, change, Keeping::Resume).await,
        Command::Hold { change } => keep(&choice, change, Keeping::Hold).await,
        Command::Unhold { change } => keep(&choice, change, Keeping::Unhold).await,
        Command::Erase { change, dry_run, wait } => erase(&choice, change, dry_run, &wait).await,
        Command::Export { subject, output, identity, json } => {
            let (session, id) = subject.open(&choice).await?;
            session.export(&identity, &id, &output, json).await
        }
        Command::Replay(replay) => {
            let ids: Vec<ApplicationId> =
                replay.application_ids.iter().map(|id| parse_id(id)).collect::<Result<_, _>>()?;
            let how = How { is_fresh: replay.fresh, is_dry_run: replay.dry_run, wait: replay.wait.limit() };
            let session = Session::open(&choice).await?;
            session.replay(&replay.identity, &ids, replay.since, how, replay.output.json).await
        }
        Command::Review(command) => review_cases(&choice, command).await,
        Command::Audit(command) => audit(&choice, command).await,
        Command::Dlq(Dlq::List { output }) => Session::open(&choice).await?.dead_letter_queues(output.json).await,
        Command::Dlq(Dlq::Show { queue, reveal, limit, output }) => {
            Session::open(&choice).await?.dead_letters(queue, limit.limit, reveal, output.json).await
        }
        Command::Dlq(Dlq::Redrive { queue, output }) => {
            Session::open(&choice).await?.redrive_dead_letters(queue, output.json).await
        }
        Command::Watch { filter, every, until, limit, output } => {
            Session::open(&choice).await?.watch(&filter, limit.limit, every, until, output.json).await
        }
        Command::Judge { judge, output } => {
            judge.run(output.json)?;
            Ok(0)
        }
        Command::ErrorRates { rates, output } => {
            rates.run(output.json)?;
            Ok(0)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "bonafide", &mut std::io::stdout());
            Ok(0)
        }
    }
}

async fn review_cases(choice: &Choice, command: Review) -> Result<u8, Error> {
    let session = Session::open(choice).await?;
    match command {
        Review::SignIn => session.sign_in().await,
        Review::List { filter, limit, identity, output } => {
            session.review_list(&identity, &filter, limit.limit, output.json).await
        }
        Review::Show { case, identity, output } => session.review_show(&identity, &case, output.json).await,
        Review::Claim { case, identity, output } => session.review_claim(&identity, &case, output.json).await,
        Review::Release { case, identity, output } => session.review_release(&identity, &case, output.json).await,
        Review::Note { case, note, identity, output } => {
            session.review_note(&identity, &case, &note, output.json).await
        }
        Review::Decide { case, decision, reasons, note, identity, output } => {
            let decision = (decision, reasons.as_slice(), note.as_deref());
            session.review_decide(&identity, &case, decision, output.json).await
        }
    }
}

async fn audit(choice: &Choice, command: Audit) -> Result<u8, Error> {
    match command {
        Audit::Show { application_id, output } => {
            let id = parse_id(&application_id)?;
            Session::open(choice).await?.audit_show(&id, output.json).await
        }
        Audit::Verify { application_id, output, .. } => {
            let id = application_id.as_deref().map(parse_id).transpose()?;
            Session::open(choice).await?.audit_verify(id.as_ref(), output.json).await
        }
        Audit::Restore { application_id, dry_run, output, .. } => {
            let id = application_id.as_deref().map(parse_id).transpose()?;
            Session::open(choice).await?.audit_restore(id, dry_run, output.json).await
        }
        Audit::Explain { application_id, sentences, output } => {
            let id = parse_id(&application_id)?;
            let sentences = sentences.as_deref().map(Sentences::read).transpose()?.unwrap_or_default();
            Session::open(choice).await?.audit_explain(&id, &sentences, output.json).await
        }
        Audit::Rejudge { application_id, thresholds, output } => {
            let id = parse_id(&application_id)?;
            Session::open(choice).await?.audit_rejudge(&id, &thresholds, output.json).await
        }
        Audit::Rules { output } => Session::open(choice).await?.audit_rules(output.json).await,
        Audit::Export { since, until, to, output } => {
            Session::open(choice).await?.audit_export(since, until, &to, output.json).await
        }
    }
}
