//! `bonafide-tools`: the commands of `cargo xtask` that call AWS. Not for operators.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bonafide_tools::face_script::{self, Played, Stage};
use bonafide_tools::history::Trace;
use bonafide_tools::iam::recording::{self, Recording};
use bonafide_tools::iam::{check, report};
use bonafide_tools::load_test::{self, Burst, Sample};
use bonafide_tools::notifications::{Inbox, Notification};
use bonafide_tools::samples::{self, Judged, Suite};
use bonafide_tools::{FaceApi, Local};
use bonafide_tools::{conversations, cost};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// Uses the local AWS that `BONAFIDE_LOCAL_ENDPOINT`, `_CONTROL` and `_THIRD_PARTY` name.
#[derive(Debug, Parser)]
enum Command {
    /// After the deployment: store the values that an operator sets by hand
    Prepare {
        /// The licence verification service's API key
        #[arg(long)]
        third_party_key: String,
        /// A licence for the register of the licence verification service
        #[arg(long)]
        known_license: Vec<String>,
    },
    /// Print, as JSON, the outputs of the stacks and the arguments with which each page is served: that of the face API (for its first
    /// client), and the review desk
    Pages,
    /// Check the policies against the calls of their roles; fails unless they allow these and nothing else
    Policies {
        /// The file with the recorded calls
        #[arg(long)]
        recording: PathBuf,
        /// First record them from the local AWS on which the tests have run
        #[arg(long)]
        record: bool,
        /// Show why each action and each resource is needed
        #[arg(long)]
        table: bool,
    },
    /// Run the core samples, some conversations and some requests to the face API, one after the other, and price the calls of each
    Cost {
        /// The folder of samples.json, conversations.json and face-api.json
        #[arg(long)]
        samples: PathBuf,
        /// Cloud assembly of the deployment
        #[arg(long)]
        assembly: PathBuf,
        /// The same with encryption=customer
        #[arg(long)]
        with_keys: PathBuf,
        /// Write COST.md and CAPACITY.md into this folder instead of printing them
        #[arg(long)]
        docs: Option<PathBuf>,
    },
    /// Upload many packages at once while the services admit few requests a second; fails when one is lost or requests accumulate
    LoadTest(Burst),
    /// Play the conversations of a script and print them
    Converse {
        /// conversations.json
        #[arg(long)]
        script: PathBuf,
        /// One JSON object per session instead of the dialogues
        #[arg(long)]
        json: bool,
    },
    /// Upload the samples and print their outcomes
    Demo {
        /// samples.json
        #[arg(long)]
        samples: PathBuf,
        /// `core`: only one for each outcome and reason
        #[arg(long, value_enum, default_value_t = Suite::Full)]
        suite: Suite,
        /// One JSON object per application instead of the table
        #[arg(long)]
        json: bool,
        /// List the applications that wait for a reviewer
        #[arg(long)]
        keep: bool,
    },
    /// Send the requests of a script to the face API and print the answers
    Faces {
        /// face-api.json
        #[arg(long)]
        script: PathBuf,
        /// One JSON object per request instead of the answers
        #[arg(long)]
        json: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Prepare { third_party_key, known_license } => prepare(&third_party_key, &known_license).await,
        Command::Pages => pages().await,
        Command::Policies { recording, record, table } => policies(&recording, record, table).await,
        Command::Cost { samples, assembly, with_keys, docs } => {
            cost(&samples, &assembly, &with_keys, docs.as_deref()).await
        }
        Command::LoadTest(burst) => self::load_test(burst).await,
        Command::Converse { script, json } => converse(&script, json).await,
        Command::Demo { samples, suite, json, keep } => demo(&samples, suite, json, keep).await,
        Command::Faces { script, json } => faces(&script, json).await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn prepare(third_party_key: &str, known_licenses: &[String]) -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let secret = deployment.data("ThirdPartySecretArn")?;
    local
        .secrets
        .put_secret_value()
        .secret_id(secret)
        .secret_string(third_party_key)
        .send()
        .await
        .context("store the licence verification service's key")?;
    for number in known_licenses {
        local.control.introduce_license(number)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn pages() -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let faces = FaceApi::open(&local, &deployment)?;
    let (endpoint, review) = (local.endpoint(), |output| deployment.review(output));
    let api = format!("{endpoint}/_aws/execute-api/{}/v1", review("ReviewApiId")?);
    // Sign-in pages and bucket are at the endpoint, like everything else.
    let (client, scopes) = (review("ReviewClientId")?, review("ReviewScopes")?);
    let conversation = |output| deployment.conversation(output);
    let printed = json!({
        "outputs": deployment.outputs(),
        "conversation": [
            "--page", "conversation", "--tools", conversation("GatewayUrl")?, "--harness", conversation("HarnessUrl")?,
            "--issuer", conversation("ConversationIssuer")?, "--client-id", conversation("ConversationClients")?, "--pictures", endpoint,
        ],
        "faces": ["--api", faces.base(), "--api-key", faces.key()],
        "desk": [
            "--page", "desk", "--api", api, "--sign-in", endpoint, "--client-id", client, "--scopes", scopes, "--pictures", endpoint,
        ],
    });
    println!("{printed}");
    Ok(ExitCode::SUCCESS)
}

async fn policies(file: &Path, record: bool, table: bool) -> Result<ExitCode> {
    let recording = if record {
        let recording = Recording::capture(&Local::from_environment().await?).await?;
        recording.save(file)?;
        recording
    } else {
        Recording::load(file)?
    };
    let policies = recording::policies()?;
    let checked = check::check(&policies, &recording);
    let mut out = std::io::stdout().lock();
    if table {
        write!(out, "{}", report::table(&checked)?)?;
    }
    write!(out, "{}", report::summary(&checked, &recording)?)?;
    let is_good = checked.values().all(|checked| checked.problems.is_empty());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn cost(samples: &Path, assembly: &Path, with_keys: &Path, docs: Option<&Path>) -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let report = |id: &str| eprintln!("  {id}, alone");
    let (cost, capacity) = cost::pages(&local, &deployment, samples, assembly, with_keys, report).await?;
    match docs {
        Some(folder) => {
            for (name, page) in [("COST.md", cost), ("CAPACITY.md", capacity)] {
                let file = folder.join(name);
                std::fs::write(&file, page).with_context(|| format!("{} could not be written", file.display()))?;
            }
        }
        None => write!(std::io::stdout(), "{cost}\n{capacity}")?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn load_test(burst: Burst) -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let packages = burst.packages;
    let last = std::cell::Cell::new(0);
    let outcome = load_test::run(&local, &deployment, burst, |Sample { seconds, waiting, ended, .. }| {
        // Every twentieth sample is printed.
        let twentieth = ended * 20 / usize::try_from(packages).unwrap_or(usize::MAX);
        if last.replace(twentieth) != twentieth {
            let waiting: Vec<_> = waiting.iter().map(|(queue, count)| format!("{count} in {queue}")).collect();
            eprintln!("  {seconds:4.0} s: {ended} of {packages} have ended; {}", waiting.join(", "));
        }
    })
    .await?;
    let problems = outcome.problems();
    write!(std::io::stdout(), "{}", outcome.text()?)?;
    for problem in &problems {
        eprintln!("not as promised: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn converse(script: &Path, json: bool) -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let conversations = conversations::read(script)?;
    let folder = script.parent().unwrap_or(Path::new("."));
    let mut all_expected = true;
    let mut rows = Vec::new();
    for conversation in &conversations {
        let sessions = conversations::play(&local, conversation, folder).await?;
        let problems = conversations::problems(conversation, &sessions);
        all_expected &= problems.is_empty();
        if !json {
            println!("{} ({})", conversation.title, conversation.id);
        }
        for session in &sessions {
            let reasons: Vec<_> = session.reasons().iter().map(|reason| reason.code()).collect();
            if json {
                let object = json!({
                    "conversation": conversation.id,
                    "sessionId": session.id(),
                    "result": session.end(),
                    "reasons": reasons,
                    "seconds": session.seconds(),
                    "isAsExpected": problems.is_empty(),
                });
                println!("{object}");
            } else {
                println!("{}\n", conversations::dialogue(session));
            }
            rows.push([
                conversation.id.clone(),
                session.id().unwrap_or("–").to_owned(),
                session.end().map_or_else(|| "–".to_owned(), conversations::word),
                reasons.join(" "),
                format!("{:.1}", session.seconds()),
                if problems.is_empty() { "✓" } else { "✗" }.to_owned(),
            ]);
        }
        for problem in &problems {
            eprintln!("not as expected: {problem}");
        }
    }
    if !json {
        print_table(["conversation", "session", "result", "reasons", "seconds", "as expected"], &rows)?;
        println!();
    }
    Ok(if all_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn demo(list: &Path, suite: Suite, json: bool, keep: bool) -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let inbox = Inbox::open(&local, deployment.data("NotificationsTopicArn")?, "demo").await?;
    let samples = match suite {
        Suite::Core => samples::core(list)?,
        Suite::Full => samples::read(list)?,
    };
    let folder = list.parent().unwrap_or(Path::new("."));
    let progress = Progress::new(samples.len(), "have an outcome");
    let judged = samples::judge_all(&local, &deployment, samples, folder, {
        let progress = progress.clone();
        move |sample, application| {
            let line = match application {
                None => format!("  {} uploaded: {}", sample.id, sample.title),
                Some(application) => bonafide_cli::render::summary(application),
            };
            progress.say(&line, application.is_some());
        }
    })
    .await?;
    progress.end();

    let mut all_expected = true;
    let mut rows = Vec::new();
    for one in &judged {
        let Judged { sample, application, before, .. } = one;
        let is_expected = one.is_as_expected();
        all_expected &= is_expected;
        let mut transitions = 0;
        // A rejected upload has no execution, a sample of several uploads has several.
        for execution in before.iter().chain([application]).filter_map(|seen| seen.execution.as_deref()) {
            let traces = Trace::fetch_all(&local, execution)?;
            transitions += traces.iter().map(|trace| trace.path().len()).sum::<usize>();
        }
        if json {
            let mut object = serde_json::to_value(application)?;
            object["expected"] = json!(sample.expected);
            object["stateTransitions"] = json!(transitions);
            writeln!(std::io::stdout(), "{object}")?;
        }
        let expected = if is_expected {
            "✓".to_owned()
        } else {
            format!("✗ {} {}", sample.expected.outcome, sample.expected.reasons.join(" ")).trim_end().to_owned()
        };
        rows.push([
            application.application_id.clone(),
            application.outcome.clone().unwrap_or_default(),
            reasons(one),
            application.seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
            transitions.to_string(),
            expected,
        ]);
    }
    if !json {
        print_table(["application", "outcome", "reasons", "seconds", "transitions", "as expected"], &rows)?;
        print_notifications(&settled(&inbox, &judged).await?)?;
    }
    if keep {
        print_waiting(&judged)?;
    }
    Ok(if all_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn faces(script: &Path, json: bool) -> Result<ExitCode> {
    let local = Local::from_environment().await?;
    let steps = face_script::read(script)?;
    let folder = script.parent().unwrap_or(Path::new("."));
    let deployment = local.deployment().await?;
    let mut stage = Stage::open(FaceApi::open(&local, &deployment)?, &local, &deployment, folder)?;
    let mut out = std::io::stdout();
    let mut rows = Vec::new();
    let mut all_expected = true;
    // Requests block this thread, which no other task needs.
    for Played { step, route, answer, took, problems } in face_script::play(&mut stage, &steps, |played| {
        if !json {
            let Played { step, route, answer, .. } = played;
            println!("{}\n  {route} → {} {}", step.title, answer.status, answer.body);
        }
    })? {
        all_expected &= problems.is_empty();
        if json {
            let object = json!({
                "step": step.id,
                "route": route,
                "status": answer.status,
                "answer": answer.body,
                "seconds": took.as_secs_f64(),
                "isAsExpected": problems.is_empty(),
            });
            writeln!(out, "{object}")?;
        }
        for problem in &problems {
            eprintln!("not as expected: {}: {problem}", step.id);
        }
        let result = match (answer.code(), &answer.body["match"]) {
            ("", Value::Bool(true)) => {
                format!("match, similarity {:.1}", answer.body["confidence"].as_f64().unwrap_or_default())
            }
            ("", Value::Bool(false)) => "no match".to_owned(),
            ("", _) => {
                answer.body["status"].as_str().or(answer.body["message"].as_str()).unwrap_or_default().to_owned()
            }
            (code, _) => code.to_owned(),
        };
        let expected = if problems.is_empty() { "✓" } else { "✗" };
        rows.push([
            step.id,
            route,
            answer.status.to_string(),
            result,
            format!("{:.2}", took.as_secs_f64()),
            expected.to_owned(),
        ]);
    }
    if !json {
        writeln!(out)?;
        print_table(["step", "request", "status", "answer", "seconds", "as expected"], &rows)?;
        writeln!(out)?;
    }
    Ok(if all_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The reason codes; without any, the checks of the sample, and the reasons of earlier uploads.
fn reasons(Judged { sample, application, before, .. }: &Judged) -> String {
    if !application.reasons.is_empty() || sample.expected.checks.is_empty() {
        return application.reasons.join(" ");
    }
    let checks: Vec<_> = application
        .checks
        .made()
        .filter(|(name, _)| sample.expected.checks.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    let earlier: Vec<_> = before.iter().flat_map(|seen| &seen.reasons).map(String::as_str).collect();
    let after = if earlier.is_empty() { String::new() } else { format!(" (after {})", earlier.join(" ")) };
    format!("{}{after}", checks.join(" "))
}

/// Waits for the last messages, which are published shortly after the outcomes.
async fn settled(inbox: &Inbox, judged: &[Judged]) -> Result<Vec<Notification>> {
    for Judged { application, .. } in judged {
        inbox.settled(1, || inbox.about(&application.application_id)).await?;
    }
    Ok(inbox.all())
}

fn print_table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Result<()> {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or_default()
    });
    let mut out = std::io::stdout().lock();
    let mut line = |cells: [&str; N]| {
        let padded: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(head)?;
    line(widths.map(|width| "─".repeat(width)).each_ref().map(String::as_str))?;
    for row in rows {
        line(row.each_ref().map(String::as_str))?;
    }
    Ok(())
}

fn print_notifications(notifications: &[Notification]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{} notifications were published on the SNS topic:", notifications.len())?;
    let widest = |text: fn(&Notification) -> &str| {
        notifications.iter().map(|notification| text(notification).chars().count()).max().unwrap_or_default()
    };
    let (ids, events) = (widest(|seen| &seen.application_id), widest(|seen| &seen.event));
    for Notification { application_id, event, check, outcome, reasons, .. } in notifications {
        let parts = [check.as_deref(), outcome.as_deref(), Some(&*reasons.join(" "))];
        let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        writeln!(out, "  {application_id:<ids$}  {event:<events$}  {}", parts.join(" · "))?;
    }
    writeln!(out)?;
    Ok(())
}

fn print_waiting(judged: &[Judged]) -> Result<()> {
    let waiting: Vec<_> = judged.iter().filter(|one| one.application.is_in_review()).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} applications wait for a reviewer:", waiting.len())?;
    let widest = waiting.iter().map(|one| one.application.application_id.chars().count()).max().unwrap_or_default();
    for Judged { application, sample, .. } in waiting {
        let (id, reasons) = (&application.application_id, application.reasons.join(" "));
        writeln!(out, "  {id:<widest$}  {reasons}: {}", sample.title)?;
    }
    Ok(())
}

/// A bar on a terminal, lines elsewhere.
#[derive(Clone)]
struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Shows how many of `count` items are done; `what` describes these.
    fn new(count: usize, what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(u64::try_from(count).unwrap_or_default());
            if let Ok(style) =
                ProgressStyle::with_template(&format!("{{bar:30}} {{pos}} of {{len}} {what} ({{elapsed}})"))
            {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar }
    }

    fn say(&self, line: &str, is_done: bool) {
        match &self.bar {
            Some(bar) => {
                bar.println(line);
                bar.inc(u64::from(is_done));
            }
            None => eprintln!("{line}"),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!();
    }
}
