//! The commands, for one deployment. Results go to standard output, everything else to standard error.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant, SystemTime};

use bonafide_domain::{ApplicationId, ReasonCode, SubmissionId};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;

use crate::application::{self, Application};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::history::{self, Timeline};
use crate::list::{self, Filter, Outcome, Since};
use crate::package::Parts;
use crate::queues::{Queue, Queues};
use crate::records::Records;
use crate::render;
use crate::reopen;
use crate::replay::{Line, ReplayStatus, Replayed, Replayer, Started};
use crate::review::{self, CasePath, Decision, Identity, ReviewApi};
use crate::submission::Submission;
use crate::submit::{self, Package, Upload, Waited};
use crate::target::{self, Choice, Target};
use crate::waiting::{Reminder, Waiting};

/// Interval between two progress messages of a wait.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// A deployment and its AWS clients.
pub struct Session {
    target: Target,
    deployment: Deployment,
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    step_functions: aws_sdk_sfn::Client,
    sqs: aws_sdk_sqs::Client,
    sts: aws_sdk_sts::Client,
}

impl Session {
    /// Connects, and finds what is deployed.
    ///
    /// # Errors
    /// When there are no credentials, no region or no deployment.
    pub async fn open(choice: &Choice) -> Result<Self, Error> {
        let folder = std::env::current_dir().unwrap_or_default();
        let target = target::connect(choice, &folder).await?;
        // On standard error, so that the operator sees which account is used, and standard output has results only.
        eprintln!("{} (stage {})", target.place, choice.stage);
        let cloudformation = aws_sdk_cloudformation::Client::new(&target.config);
        let deployment = Deployment::find(&cloudformation, &choice.stage, &target.place).await?;
        Ok(Self::of(target, deployment))
    }

    /// A session for a known deployment.
    #[must_use]
    pub fn of(target: Target, deployment: Deployment) -> Self {
        Self {
            s3: target::s3(&target.config),
            dynamodb: aws_sdk_dynamodb::Client::new(&target.config),
            step_functions: aws_sdk_sfn::Client::new(&target.config),
            sqs: aws_sdk_sqs::Client::new(&target.config),
            sts: aws_sdk_sts::Client::new(&target.config),
            target,
            deployment,
        }
    }

    fn records(&self) -> Result<Records, Error> {
        Records::of(&self.dynamodb, &self.deployment, &self.target.place)
    }

    fn table(&self) -> Result<&str, Error> {
        self.deployment.data("ApplicationsTableName")
    }

    async fn application(&self, id: &ApplicationId) -> Result<Application, Error> {
        self.records()?.application(id).await
    }

    /// `submit`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn submit(&self, packages: &[Package], wait: Option<Duration>, is_json: bool) -> Result<u8, Error> {
        let uploads = submit::upload_all(&self.s3, self.deployment.data("BucketName")?, packages).await?;
        if let Some(limit) = wait {
            return self.wait(uploads, limit, is_json).await;
        }
        show_uploads(&uploads, is_json);
        Ok(0)
    }

    async fn wait(&self, uploads: Vec<Upload>, limit: Duration, is_json: bool) -> Result<u8, Error> {
        let interval = self.target.place.poll_interval();
        let records = self.records()?;
        eprintln!("{} uploaded, waiting for the outcome …", uploads.len());
        let (mut waits, mut pending) = (Vec::new(), Vec::new());
        for upload in uploads {
            let records = records.clone();
            let submission = (upload.application_id.clone(), upload.submission());
            let wait = tokio::spawn(async move { submit::wait(&records, &upload, limit, interval).await });
            pending.push((submission, wait.abort_handle()));
            waits.push(wait);
        }
        let waiting = Waiting {
            records,
            step_functions: self.step_functions.clone(),
            sqs: self.sqs.clone(),
            uploads: self.deployment.data("UploadsQueueUrl")?.to_owned(),
        };
        let is_shown = !is_json || std::io::stderr().is_terminal();
        tokio::select! {
            code = self.show_outcomes(waits, is_json) => code,
            never = report_progress(&waiting, &pending), if is_shown => match never {},
        }
    }

    /// Prints the outcomes in the order of the uploads.
    async fn show_outcomes(&self, waits: Vec<JoinHandle<Result<Waited, Error>>>, is_json: bool) -> Result<u8, Error> {
        let mut code = 0;
        for wait in waits {
            let waited = match wait.await {
                Ok(waited) => waited?,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            let application = waited.application();
            show(is_json, &json!(application), || render::details(application, &self.target.place));
            code = code.max(waited.exit_code());
        }
        Ok(code)
    }

    /// `status`
    ///
    /// # Errors
    /// When there is no such application, or AWS refuses or does not answer.
    pub async fn status(&self, id: &ApplicationId, is_json: bool) -> Result<u8, Error> {
        let application = self.application(id).await?;
        show(is_json, &json!(application), || render::details(&application, &self.target.place));
        Ok(u8::from(application.has_failed()))
    }

    /// What `show` prints without `--reveal`.
    ///
    /// # Errors
    /// When there is no such application, or AWS refuses or does not answer.
    pub async fn shown(&self, id: &ApplicationId) -> Result<Shown, Error> {
        let application = self.application(id).await?;
        let submissions = self.judged(id).await?;
        let (executions, gone) = self.timelines(&submissions).await?;
        let place = &self.target.place;
        let text = if submissions.is_empty() {
            render::details(&application, place) + &render::evidence(&application.evidence)
        } else {
            render::overview(&application) + &render::submissions(&submissions, place)
        };
        let text = text + &render::executions(&executions);
        Ok(Shown { application, submissions, executions, gone, text })
    }

    async fn submissions(&self, id: &ApplicationId) -> Result<Vec<Submission>, Error> {
        let Records { dynamodb, submissions, .. } = self.records()?;
        Submission::fetch_all(&dynamodb, &submissions, id).await
    }

    /// The submissions, with the thresholds of their decisions.
    async fn judged(&self, id: &ApplicationId) -> Result<Vec<Submission>, Error> {
        let mut submissions = self.submissions(id).await?;
        // A conversation has no submissions.
        if !submissions.is_empty() {
            let decisions = self.deployment.data("DecisionsTableName")?;
            Submission::add_thresholds(&mut submissions, &self.dynamodb, decisions, id).await?;
        }
        Ok(submissions)
    }

    /// The timelines of the executions of submissions, and the ARNs of executions that Step Functions does not know.
    async fn timelines(&self, submissions: &[Submission]) -> Result<(Vec<Timeline>, Vec<String>), Error> {
        let (mut executions, mut gone) = (Vec::new(), Vec::new());
        for execution in submissions.iter().filter_map(|submission| submission.execution.as_deref()) {
            match history::timeline(&self.step_functions, execution).await {
                Ok(timeline) => executions.push(timeline),
                Err(Error::UnknownExecution { execution }) => gone.push(execution),
                Err(error) => return Err(error),
            }
        }
        Ok((executions, gone))
    }

    /// `show`
    ///
    /// # Errors
    /// When there is no such application, or AWS refuses or does not answer.
    pub async fn show(&self, id: &ApplicationId, is_revealing: bool, is_json: bool) -> Result<u8, Error> {
        let Shown { application, submissions, executions, gone, text } = self.shown(id).await?;
        print_unknown(&gone);
        let details = if is_revealing { self.revealed(id, &application).await? } else { Value::Null };
        let mut object = json!(application);
        object["submissions"] = json!(submissions);
        object["executions"] = json!(executions);
        if is_revealing {
            object["details"] = details.clone();
        }
        show(is_json, &object, || if is_revealing { text + &render::revealed(&details) } else { text });
        Ok(u8::from(application.has_failed()))
    }

    async fn revealed(&self, id: &ApplicationId, application: &Application) -> Result<Value, Error> {
        let Records { dynamodb, applications, submissions, .. } = self.records()?;
        // A selfie has no details.
        let latest = application.package_submission.as_ref().or(application.document_submission.as_ref());
        let latest = latest.map(|latest| &latest.submission_id);
        application::reveal(&dynamodb, &applications, &submissions, id, latest).await
    }

    /// `list`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn list(&self, filter: &Filter, limit: usize, is_json: bool) -> Result<u8, Error> {
        let found = list::list(&self.dynamodb, self.table()?, filter, limit, SystemTime::now()).await?;
        show_all(is_json, &found, render::list);
        if !is_json && found.len() == limit {
            eprintln!("only the newest {limit} are shown; --limit shows more");
        }
        Ok(0)
    }

    /// `history`, of an application's executions or of one execution
    ///
    /// # Errors
    /// When there is no such application or execution, or AWS refuses or does not answer.
    pub async fn history(&self, what: &str, is_json: bool) -> Result<u8, Error> {
        let mut submissions = Vec::new();
        let (timelines, gone) = if what.starts_with("arn:") {
            (vec![history::timeline(&self.step_functions, what).await?], Vec::new())
        } else {
            let id = parse_id(what)?;
            self.application(&id).await?;
            submissions = self.judged(&id).await?;
            self.timelines(&submissions).await?
        };
        if timelines.is_empty() && gone.is_empty() {
            eprintln!("no execution was started for {what}");
        }
        print_unknown(&gone);
        for timeline in timelines {
            let judged =
                submissions.iter().find(|submission| submission.execution.as_ref() == Some(&timeline.execution));
            let judged = judged.map(|submission| render::judged(submission) + "\n").unwrap_or_default();
            show(is_json, &json!(timeline), || judged + &render::timeline(&timeline));
        }
        Ok(0)
    }

    /// `replay`; empty `ids` mean all failed applications
    ///
    /// # Errors
    /// When AWS refuses or does not answer. An error about one application is printed in its line.
    pub async fn replay(
        &self,
        ids: &[ApplicationId],
        since: Option<Since>,
        how: How,
        is_json: bool,
    ) -> Result<u8, Error> {
        let ids = if ids.is_empty() { self.failed(since).await? } else { ids.to_vec() };
        let total = ids.len();
        if total == 0 {
            eprintln!("no application has failed");
        }
        let is_counted = std::io::stderr().is_terminal() && total > 1;
        self.replay_each(&ids, how, |done, line| {
            show(is_json, &json!(line), || render::replay(line));
            if is_counted && let Some(done) = done {
                let end = if done == total { "\n" } else { "" };
                eprint!("\r{done} of {total}{end}");
            }
        })
        .await
    }

    /// Calls `tell` with a line for each application, or for each of its pictures, and the number of processed applications; with a wait,
    /// again for each started replay. An error about one application does not stop the others.
    async fn replay_each(
        &self,
        ids: &[ApplicationId],
        how: How,
        mut tell: impl FnMut(Option<usize>, &Line),
    ) -> Result<u8, Error> {
        let replayer = Replayer {
            records: self.records()?,
            step_functions: self.step_functions.clone(),
            s3: self.s3.clone(),
            sqs: self.sqs.clone(),
            uploads: self.deployment.data("UploadsQueueUrl")?.to_owned(),
        };
        let (mut code, mut started) = (0, Vec::new());
        for (index, id) in ids.iter().enumerate() {
            for line in self.start_replays(&replayer, id, how, &mut started).await {
                code = code.max(line.exit_code());
                tell(Some(index + 1), &line);
            }
        }
        let Some(limit) = how.wait else { return Ok(code) };
        let since = Instant::now();
        for replay in &started {
            let line = match self.wait_for(&replayer, replay, since, limit).await {
                Ok(ended) => Line::Ended(Box::new(ended)),
                Err(error) => Line::of_error(&replay.application_id, &error),
            };
            code = code.max(line.exit_code());
            tell(None, &line);
        }
        Ok(code)
    }

    async fn start_replays(
        &self,
        replayer: &Replayer,
        id: &ApplicationId,
        how: How,
        started: &mut Vec<Started>,
    ) -> Vec<Line> {
        let plans = match replayer.records.application(id).await {
            Ok(application) => replayer.plan(&application, how.is_fresh).await,
            Err(error) => Err(error),
        };
        let plans = match plans {
            Ok(plans) => plans,
            Err(error) => return vec![Line::of_error(id, &error)],
        };
        let mut lines = Vec::new();
        for plan in plans {
            let performed = if how.is_dry_run { Ok(None) } else { replayer.perform(&plan).await };
            lines.push(match performed {
                Ok(replay) => {
                    started.extend(replay);
                    Line::Planned(Box::new(plan))
                }
                Err(error) => Line::of_error(id, &error),
            });
        }
        lines
    }

    async fn failed(&self, since: Option<Since>) -> Result<Vec<ApplicationId>, Error> {
        let filter = Filter { outcome: Some(Outcome::Failed), reason: None, since };
        let failed = list::list(&self.dynamodb, self.table()?, &filter, usize::MAX, SystemTime::now()).await?;
        failed.iter().map(|application| parse_id(&application.application_id)).collect()
    }

    /// Waits until a replay has ended.
    async fn wait_for(
        &self,
        replayer: &Replayer,
        replay: &Started,
        since: Instant,
        limit: Duration,
    ) -> Result<Replayed, Error> {
        loop {
            let now = replayer.state_of(replay).await;
            let is_time_left = since.elapsed() <= limit;
            match now {
                Ok(Replayed { replay: ReplayStatus::Unfinished, .. }) if is_time_left => {}
                Err(error) if is_time_left && error.is_transient() => eprintln!("note: {error}"),
                now => return now,
            }
            sleep(self.target.place.poll_interval()).await;
        }
    }

    /// `reopen`
    ///
    /// # Errors
    /// When there is no such application, when it cannot be reopened, or when AWS refuses or does not answer.
    pub async fn reopen(&self, id: &ApplicationId, reason: &str, is_json: bool) -> Result<u8, Error> {
        let decisions = self.deployment.data("DecisionsTableName")?;
        let who = reopen::caller(&self.sts).await?;
        let reopening = reopen::reopen(&self.records()?, decisions, id, &who, reason).await?;
        show(is_json, &json!(reopening), || render::reopened(&reopening));
        Ok(0)
    }

    fn queues(&self) -> Queues {
        Queues {
            sqs: self.sqs.clone(),
            step_functions: self.step_functions.clone(),
            deployment: self.deployment.clone(),
        }
    }

    /// `dlq list`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn dead_letter_queues(&self, is_json: bool) -> Result<u8, Error> {
        let depths = self.queues().depths().await?;
        show_all(is_json, &depths, render::depths);
        Ok(u8::from(depths.iter().any(|depth| depth.messages > 0)))
    }

    /// `dlq show`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn dead_letters(
        &self,
        queue: Queue,
        limit: usize,
        is_revealing: bool,
        is_json: bool,
    ) -> Result<u8, Error> {
        let letters = self.queues().show(queue, limit, is_revealing).await?;
        show_all(is_json, &letters, render::letters);
        Ok(0)
    }

    /// `dlq redrive`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn redrive_dead_letters(&self, queue: Queue, is_json: bool) -> Result<u8, Error> {
        let is_terminal = std::io::stderr().is_terminal();
        let progress = |moved| {
            if is_terminal {
                eprint!("\r{moved} moved");
            }
        };
        let moved = self.queues().redrive(queue, progress).await?;
        if is_terminal && moved > 0 {
            eprintln!();
        }
        show(is_json, &json!({"queue": queue, "moved": moved}), || {
            format!("{}: {moved} messages were sent back", queue.name())
        });
        Ok(0)
    }

    /// `watch`: on a terminal a table that is redrawn, otherwise a line for each change
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn watch(
        &self,
        filter: &Filter,
        limit: usize,
        every: Duration,
        until: Option<Duration>,
        is_json: bool,
    ) -> Result<u8, Error> {
        let started = Instant::now();
        let is_drawn = !is_json && std::io::stdout().is_terminal();
        let mut seen = HashMap::new();
        let is_last = || until.is_some_and(|until| started.elapsed() + every > until);
        let mut is_answered = false;
        let tell = |application: &Application| show(is_json, &json!(application), || render::summary(application));
        loop {
            match list::list(&self.dynamodb, self.table()?, filter, limit, SystemTime::now()).await {
                Ok(found) => {
                    is_answered = true;
                    if is_drawn {
                        // Clears the screen and moves the cursor to the upper left corner.
                        out(format_args!("\x1b[2J\x1b[H{}\n\nCtrl-C stops", render::list(&found)));
                    } else {
                        // The oldest change first, as in a log.
                        found.iter().rev().filter(|application| has_changed(&mut seen, application)).for_each(tell);
                    }
                }
                Err(error) if error.is_transient() && (is_answered || !is_last()) => {
                    eprintln!("note: {error}; still watching");
                }
                Err(error) => return Err(error),
            }
            if is_last() {
                return Ok(0);
            }
            sleep(every).await;
        }
    }
}

/// Prints what the submissions without an outcome wait for. It runs until it is cancelled.
async fn report_progress(
    waiting: &Waiting,
    submissions: &[((ApplicationId, SubmissionId), AbortHandle)],
) -> Infallible {
    let mut lines = Reminder::default();
    loop {
        sleep(PROGRESS_INTERVAL).await;
        let pending = submissions.iter().filter(|(_, wait)| !wait.is_finished());
        let pending: Vec<_> = pending.map(|(submission, _)| submission.clone()).collect();
        let line = waiting.line(&pending).await.unwrap_or_else(|error| format!("note: {error}"));
        if lines.is_due(&line, Instant::now()) {
            eprintln!("{line}");
        }
    }
}

/// Whether the application has changed since the last call.
fn has_changed(seen: &mut HashMap<String, Option<String>>, application: &Application) -> bool {
    let id = application.application_id.clone();
    seen.insert(id, application.updated_at.clone()) != Some(application.updated_at.clone())
}

/// An application with its submissions and executions.
#[derive(Debug)]
pub struct Shown {
    /// Its record.
    pub application: Application,
    /// All its submissions.
    pub submissions: Vec<Submission>,
    /// Their executions.
    pub executions: Vec<Timeline>,
    /// ARNs of executions that Step Functions does not know.
    pub gone: Vec<String>,
    /// All of it as text.
    pub text: String,
}

/// The commands of reviewers.
impl Session {
    async fn review(&self, identity: &Identity) -> Result<ReviewApi, Error> {
        ReviewApi::open(&self.deployment, &self.target.place, identity).await
    }

    /// `review sign-in`
    ///
    /// # Errors
    /// When the sign-in is refused, or its answer cannot be received.
    pub async fn sign_in(&self) -> Result<u8, Error> {
        out(review::sign_in(&self.deployment, &self.target.place).await?);
        Ok(0)
    }

    /// `review list`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn review_list(
        &self,
        identity: &Identity,
        filter: &review::Filter,
        limit: usize,
        is_json: bool,
    ) -> Result<u8, Error> {
        let cases = self.review(identity).await?.list(filter, limit).await?;
        show_all(is_json, &cases, render::cases);
        Ok(0)
    }

    /// `review show`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn review_show(&self, identity: &Identity, case: &CasePath, is_json: bool) -> Result<u8, Error> {
        let answer = self.review(identity).await?.show(case).await?;
        show(is_json, &answer, || render::case(&answer));
        Ok(0)
    }

    /// `review claim`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn review_claim(&self, identity: &Identity, case: &CasePath, is_json: bool) -> Result<u8, Error> {
        let answer = self.review(identity).await?.claim(case).await?;
        let until = answer["claim"]["until"].as_str().unwrap_or_default();
        show(is_json, &answer, || format!("claimed until {until}"));
        Ok(0)
    }

    /// `review release`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn review_release(&self, identity: &Identity, case: &CasePath, is_json: bool) -> Result<u8, Error> {
        let answer = self.review(identity).await?.release(case).await?;
        show(is_json, &answer, || "released".to_owned());
        Ok(0)
    }

    /// `review decide`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn review_decide(
        &self,
        identity: &Identity,
        case: &CasePath,
        (decision, reasons, note): (Decision, &[ReasonCode], Option<&str>),
        is_json: bool,
    ) -> Result<u8, Error> {
        let answer = self.review(identity).await?.decide(case, decision, reasons, note).await?;
        show(is_json, &answer, || answer["message"].as_str().unwrap_or_default().to_owned());
        Ok(0)
    }
}

/// Options of `replay`.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// A fresh execution even where a redrive is allowed.
    pub is_fresh: bool,
    /// Show what would be done, and do nothing.
    pub is_dry_run: bool,
    /// Wait for the results, at most this long.
    pub wait: Option<Duration>,
}

/// Parses an application id from the command line.
///
/// # Errors
/// When the text is not an application id.
pub fn parse_id(text: &str) -> Result<ApplicationId, Error> {
    text.parse().map_err(|error| Error::Usage(format!("{text:?} is no application: {error}")))
}

/// `package`
///
/// # Errors
/// When the pipeline would refuse the package, or it cannot be written.
pub fn package(parts: &Parts, is_json: bool) -> Result<(), Error> {
    let made = parts.make()?;
    show(is_json, &json!(made), || render::package(&made));
    Ok(())
}

fn show_uploads(uploads: &[Upload], is_json: bool) {
    for upload in uploads {
        let Upload { application_id, bucket, key, version_id, .. } = upload;
        if is_json {
            out(
                json!({"applicationId": application_id, "status": "SUBMITTED", "bucket": bucket, "key": key, "versionId": version_id}),
            );
        } else {
            let id = application_id.as_str();
            out(format_args!(
                "{id}: uploaded to s3://{bucket}/{key} (version {version_id}); then: bonafide status {id}"
            ));
        }
    }
}

fn print_unknown(executions: &[String]) {
    for execution in executions {
        eprintln!("note: {}", render::gone(execution));
    }
}

fn show(is_json: bool, object: &Value, text: impl FnOnce() -> String) {
    if is_json {
        out(object);
    } else {
        out(text());
    }
}

/// A table, or nothing when there is nothing to list; otherwise one JSON object per line.
fn show_all<T: Serialize>(is_json: bool, objects: &[T], table: impl FnOnce(&[T]) -> String) {
    if is_json {
        for object in objects {
            out(json!(object));
        }
    } else if objects.is_empty() {
        eprintln!("none");
    } else {
        out(table(objects));
    }
}

/// Prints a line on standard output. Exits if the reader has closed it (`| head`).
pub fn out(line: impl Display) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemInput, GetItemOutput};
    use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_s3::operation::head_object::HeadObjectOutput;
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput;
    use aws_sdk_sfn::operation::redrive_execution::{RedriveExecutionError, RedriveExecutionOutput};
    use aws_sdk_sfn::types::error::{ExecutionDoesNotExist, ExecutionNotRedrivable};
    use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
    use aws_sdk_sqs::operation::send_message::SendMessageOutput;
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
    use aws_smithy_mocks::{Rule, RuleBuilder, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::error::ErrorMetadata;
    use bonafide_domain::{ObjectRef, UploadKind};

    use super::*;
    use crate::row::{Item, s};
    use crate::submission;
    use crate::submission::tests::{FIRST, m};
    use crate::target::Place;

    const WAITING: How = How { is_fresh: false, is_dry_run: false, wait: Some(Duration::from_mins(10)) };
    const NOT_WAITING: How = How { is_fresh: false, is_dry_run: false, wait: None };

    fn session(dynamodb: &[&Rule], step_functions: &[&Rule], sqs: &[&Rule]) -> Session {
        let config = aws_config::SdkConfig::builder().build();
        let outputs = [
            ("ApplicationsTableName", "applications"),
            ("SubmissionsTableName", "submissions"),
            ("DecisionsTableName", "decisions"),
            ("UploadsQueueUrl", "https://uploads"),
        ];
        let target = Target { config, place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() } };
        let there = mock!(aws_sdk_s3::Client::head_object).then_output(|| HeadObjectOutput::builder().build());
        let caller = mock!(aws_sdk_sts::Client::get_caller_identity)
            .then_output(|| GetCallerIdentityOutput::builder().arn("arn:ada").build());
        Session {
            target,
            deployment: Deployment::of("dev", outputs),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&there]),
            // Without retries, so that throttling is reported immediately.
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, dynamodb, |config| {
                config.retry_config(RetryConfig::disabled())
            }),
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, sqs),
            sts: mock_client!(aws_sdk_sts, RuleMode::MatchAny, [&caller]),
        }
    }

    fn execution(name: &str) -> String {
        format!("arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:{name}")
    }

    /// The submission of an application's only upload.
    fn submission(id: &str) -> SubmissionId {
        SubmissionId::of_upload(&upload(id))
    }

    fn upload(id: &str) -> ObjectRef {
        ObjectRef { bucket: "b".to_owned(), key: format!("zipped/{id}.zip"), version_id: "v1".to_owned() }
    }

    /// A recorded failure of the execution.
    fn failure(id: &str, at: &str) -> AttributeValue {
        m([("executionArn", s(&execution(id))), ("reason", s("SYSTEM_UNAVAILABLE")), ("at", s(at))])
    }

    /// An application with one submission, whose failure may have been recorded.
    fn row(id: &str, kind: UploadKind, progress: &str, failed_at: Option<&str>) -> Item {
        let latest = m([
            ("submissionId", s(submission(id).as_str())),
            ("attempt", AttributeValue::N("1".to_owned())),
            ("progress", s(progress)),
            ("executionArn", s(&execution(id))),
        ]);
        let status = match (failed_at, progress) {
            (Some(_), _) => "FAILED",
            (None, "IN_PROGRESS") => "IN_PROGRESS",
            (None, _) => "DECIDED",
        };
        let outcome = Some(s(progress)).filter(|_| !["IN_PROGRESS", "FAILED"].contains(&progress));
        let latest_of_kind = format!("{}Submission", kind.name());
        let row = [
            ("applicationId", Some(s(id))),
            ("status", Some(s(status))),
            ("outcome", outcome),
            ("failure", failed_at.map(|at| failure(id, at))),
            (&*latest_of_kind, Some(latest)),
        ];
        row.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The record of that submission.
    fn record(id: &str, kind: UploadKind, status: &str, failed_at: Option<&str>) -> Item {
        let mut record = submission::tests::record(submission(id).as_str(), kind.name(), status);
        record.insert("executionArn".to_owned(), s(&execution(id)));
        record.insert("upload".to_owned(), submission::tests::object(&upload(id).key, "v1"));
        record.extend(failed_at.map(|at| ("failure".to_owned(), failure(id, at))));
        if status == "DECIDED" {
            record.insert("outcome".to_owned(), s("approved"));
            record.insert("identityCompare".to_owned(), m([("outcome", s("pass"))]));
        }
        record
    }

    /// The records of an application: one for each request, the last one for all further requests.
    fn answers(rule: RuleBuilder<GetItemInput, GetItemOutput, GetItemError>, items: Vec<Option<Item>>) -> Rule {
        let mut rule = rule.sequence();
        let last = items.last().cloned().unwrap();
        for item in items {
            rule = rule.output(move || GetItemOutput::builder().set_item(item.clone()).build());
        }
        rule.output(move || GetItemOutput::builder().set_item(last.clone()).build()).repeatedly().build()
    }

    fn rows(id: &'static str, rows: Vec<Item>) -> Rule {
        let asked = mock!(aws_sdk_dynamodb::Client::get_item).match_requests(move |request| {
            request.table_name() == Some("applications") && request.key().unwrap()["applicationId"] == s(id)
        });
        answers(asked, rows.into_iter().map(Some).collect())
    }

    fn records(id: &SubmissionId, records: Vec<Option<Item>>) -> Rule {
        let id = s(id.as_str());
        let asked = mock!(aws_sdk_dynamodb::Client::get_item).match_requests(move |request| {
            request.table_name() == Some("submissions") && request.key().unwrap()["submissionId"] == id
        });
        answers(asked, records)
    }

    /// The status of an execution in Step Functions; `None` if it is unknown there.
    fn state(execution: &str, status: Option<ExecutionStatus>) -> Rule {
        let asked = execution.to_owned();
        let rule = mock!(aws_sdk_sfn::Client::describe_execution)
            .match_requests(move |request| request.execution_arn() == Some(&asked));
        let execution = execution.to_owned();
        match status {
            Some(status) => rule.then_output(move || {
                DescribeExecutionOutput::builder()
                    .execution_arn(&execution)
                    .state_machine_arn("arn")
                    .status(status.clone())
                    .redrive_status(ExecutionRedriveStatus::Redrivable)
                    .start_date(DateTime::from_secs(1))
                    .build()
                    .unwrap()
            }),
            None => rule.then_error(|| {
                let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
                DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
            }),
        }
    }

    fn failed(id: &str) -> Rule {
        state(&execution(id), Some(ExecutionStatus::Failed))
    }

    fn redrive(id: &str) -> Rule {
        let execution = execution(id);
        mock!(aws_sdk_sfn::Client::redrive_execution)
            .match_requests(move |request| request.execution_arn() == Some(&execution))
            .then_output(|| RedriveExecutionOutput::builder().redrive_date(DateTime::from_secs(2)).build().unwrap())
    }

    async fn replayed(session: &Session, ids: &[&str], how: How) -> (u8, Vec<Value>, Vec<String>) {
        let ids: Vec<ApplicationId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let (mut objects, mut texts) = (Vec::new(), Vec::new());
        let code = session
            .replay_each(&ids, how, |_, line| {
                objects.push(json!(line));
                texts.push(render::replay(line));
            })
            .await
            .unwrap();
        (code, objects, texts)
    }

    const KINDS: [UploadKind; 3] = [UploadKind::Package, UploadKind::Selfie, UploadKind::Document];

    #[tokio::test]
    async fn a_redrive_ends_with_an_outcome_or_a_new_failure() {
        for kind in KINDS {
            for (last, code, end) in [
                (record("a", kind, "DECIDED", None), 0, "succeeded"),
                (record("a", kind, "FAILED", Some("2")), 1, "failed"),
            ] {
                let applications = rows("a", vec![row("a", kind, "FAILED", Some("1"))]);
                let before = Some(record("a", kind, "FAILED", Some("1")));
                let submissions = records(&submission("a"), vec![before.clone(), before, Some(last)]);
                let redrive = redrive("a");
                let session = session(&[&applications, &submissions], &[&failed("a"), &redrive], &[]);

                let (ended, objects, texts) = replayed(&session, &["a"], WAITING).await;

                assert_eq!((ended, redrive.num_calls(), submissions.num_calls()), (code, 1, 3));
                let [planned, seen] = &objects[..] else { panic!("{objects:?}") };
                assert_eq!((&planned["action"], planned.get("replay")), (&json!("redrive"), None));
                assert_eq!((&seen["replay"], &seen["submissionId"]), (&json!(end), &planned["submissionId"]));
                let name = if kind == UploadKind::Package { "a".to_owned() } else { format!("a, {}", kind.name()) };
                assert!(texts[0].starts_with(&format!("{name}: redrive (")), "{texts:?}");
                let said = if code == 0 { format!("✓ {name}: approved") } else { format!("! {name}: failed: ") };
                assert!(texts[1].starts_with(&said), "{texts:?}");
                if code == 0 {
                    assert_eq!(seen["checks"]["identityCompare"]["outcome"], "pass");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_fresh_execution_ends_with_its_own_submission() {
        let fresh = How { is_fresh: true, ..WAITING };
        for kind in KINDS {
            for (last, code, end) in [
                (record("a", kind, "DECIDED", None), 0, "succeeded"),
                (record("a", kind, "FAILED", Some("2")), 1, "failed"),
            ] {
                let applications = rows("a", vec![row("a", kind, "FAILED", Some("1"))]);
                let old = records(&submission("a"), vec![Some(record("a", kind, "FAILED", Some("1")))]);
                let awaited = SubmissionId::of_replay(&upload("a"), &execution("a"));
                // The starter records it a little later.
                let new = records(&awaited, vec![None, Some(record("a", kind, "IN_PROGRESS", None)), Some(last)]);
                let send =
                    mock!(aws_sdk_sqs::Client::send_message).then_output(|| SendMessageOutput::builder().build());
                let session = session(&[&applications, &old, &new], &[&failed("a")], &[&send]);

                let (ended, objects, _) = replayed(&session, &["a"], fresh).await;

                assert_eq!((ended, &objects[1]["replay"], send.num_calls()), (code, &json!(end), 1), "{objects:?}");
                assert_eq!((new.num_calls(), &objects[1]["submissionId"]), (3, &json!(awaited)));
            }
        }
    }

    #[tokio::test]
    async fn a_replay_after_the_outcome_ends_with_the_application() {
        let by = |failed_at| row("a", UploadKind::Package, "approved", failed_at);
        for (last, code, text) in
            [(by(None), 0, "✓ a: approved"), (by(Some("2")), 1, "! a: approved, and something failed afterwards")]
        {
            let applications = rows("a", vec![by(Some("1")), by(Some("1")), last]);
            let submissions = records(&submission("a"), vec![Some(record("a", UploadKind::Package, "DECIDED", None))]);
            let session = session(&[&applications, &submissions], &[&failed("a"), &redrive("a")], &[]);
            let (ended, _, texts) = replayed(&session, &["a"], WAITING).await;
            assert_eq!((ended, applications.num_calls(), texts[1].as_str()), (code, 3, text));
        }
    }

    #[tokio::test]
    async fn each_picture_is_replayed_separately() {
        let mut both = row("a", UploadKind::Selfie, "FAILED", Some("1"));
        both.extend(row("b", UploadKind::Document, "FAILED", Some("1")));
        both.insert("applicationId".to_owned(), s("a"));
        let applications = rows("a", vec![both]);
        let ends = |id, kind| {
            let [before, after] = [("FAILED", Some("1")), ("DECIDED", None)];
            let of = |(status, at)| Some(record(id, kind, status, at));
            records(&submission(id), vec![of(before), of(after)])
        };
        let (selfie, document) = (ends("a", UploadKind::Selfie), ends("b", UploadKind::Document));
        let redriven = [redrive("a"), redrive("b")];
        let session = session(
            &[&applications, &selfie, &document],
            &[&failed("a"), &failed("b"), &redriven[0], &redriven[1]],
            &[],
        );
        let (code, _, texts) = replayed(&session, &["a"], WAITING).await;
        let why = "it can be resumed where it failed";
        assert_eq!((code, redriven.each_ref().map(Rule::num_calls)), (0, [1, 1]));
        assert_eq!(
            texts,
            [
                format!("a, selfie: redrive ({why})"),
                format!("a, document: redrive ({why})"),
                "✓ a, selfie: approved".to_owned(),
                "✓ a, document: approved".to_owned(),
            ]
        );
    }

    #[tokio::test]
    async fn an_unfinished_replay_is_4() {
        let applications = rows("a", vec![row("a", UploadKind::Document, "FAILED", Some("1"))]);
        let before = Some(record("a", UploadKind::Document, "FAILED", Some("1")));
        let submissions = records(&submission("a"), vec![before]);
        let session = session(&[&applications, &submissions], &[&failed("a"), &redrive("a")], &[]);
        let how = How { wait: Some(Duration::ZERO), ..WAITING };
        let (code, objects, texts) = replayed(&session, &["a"], how).await;
        assert_eq!((code, &objects[1]["replay"]), (4, &json!("unfinished")));
        assert!(texts[1].starts_with("… a, document: the replay has not ended"), "{texts:?}");
    }

    fn throttled() -> ErrorMetadata {
        ErrorMetadata::builder().code("ThrottlingException").message("Slower.").build()
    }

    #[tokio::test]
    async fn waiting_for_a_replay_survives_a_throttled_poll() {
        let applications = rows("a", vec![row("a", UploadKind::Package, "FAILED", Some("1"))]);
        let record = |status, at| {
            let record = record("a", UploadKind::Package, status, at);
            move || GetItemOutput::builder().set_item(Some(record.clone())).build()
        };
        let submissions = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| request.table_name() == Some("submissions"))
            .sequence()
            .output(record("FAILED", Some("1")))
            .error(|| GetItemError::generic(throttled()))
            .output(record("DECIDED", None))
            .build();
        let session = session(&[&applications, &submissions], &[&failed("a"), &redrive("a")], &[]);
        let (code, objects, _) = replayed(&session, &["a"], WAITING).await;
        assert_eq!((code, &objects[1]["replay"], submissions.num_calls()), (0, &json!("succeeded"), 3));
    }

    #[tokio::test]
    async fn an_error_about_one_application_does_not_stop_others() {
        let package = |id: &'static str| {
            let of = |status, at| Some(record(id, UploadKind::Package, status, at));
            let records = records(&submission(id), vec![of("FAILED", Some("1")), of("DECIDED", None)]);
            [rows(id, vec![row(id, UploadKind::Package, "FAILED", Some("1"))]), records]
        };
        let throttled = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| request.key().unwrap()["applicationId"] == s("c"))
            .then_error(|| GetItemError::generic(throttled()));
        let expired = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| request.key().unwrap()["applicationId"] == s("d"))
            .then_output(|| GetItemOutput::builder().build());
        // It can neither be redriven nor judged again: nothing is recorded.
        let lost = [
            rows("e", vec![row("e", UploadKind::Package, "FAILED", Some("1"))]),
            records(&submission("e"), vec![None]),
        ];
        let [a, b, f] = ["a", "b", "f"].map(package);
        let dynamodb: Vec<_> = a.iter().chain(&b).chain([&throttled, &expired]).chain(&lost).chain(&f).collect();
        let refused = {
            let execution = execution("b");
            mock!(aws_sdk_sfn::Client::redrive_execution)
                .match_requests(move |request| request.execution_arn() == Some(&execution))
                .then_error(|| {
                    let meta = ErrorMetadata::builder().code("ExecutionNotRedrivable").message("Too old.").build();
                    RedriveExecutionError::ExecutionNotRedrivable(ExecutionNotRedrivable::builder().meta(meta).build())
                })
        };
        let step_functions =
            [failed("a"), failed("b"), state(&execution("e"), None), failed("f"), redrive("a"), refused, redrive("f")];
        let session = session(&dynamodb, &step_functions.each_ref(), &[]);

        let (code, objects, texts) = replayed(&session, &["a", "b", "c", "d", "e", "f"], WAITING).await;

        assert_eq!(code, 5, "the highest of 5, 5, 3 and 1");
        let ids: Vec<_> = objects.iter().map(|line| line["applicationId"].as_str().unwrap()).collect();
        assert_eq!(ids, ["a", "b", "c", "d", "e", "f", "a", "f"], "each application, then each started replay");
        assert_eq!(objects[4]["action"], "impossible");
        assert!(objects[1]["error"].as_str().unwrap().contains("Too old"), "{objects:?}");
        assert!(objects[2]["error"].as_str().unwrap().contains("throttled the request"), "{objects:?}");
        assert!(objects[3]["error"].as_str().unwrap().contains("no application d"), "{objects:?}");
        for line in [1, 2, 3] {
            assert_eq!(texts[line], format!("! {}: {}", ids[line], objects[line]["error"].as_str().unwrap()));
            assert_eq!(objects[line].as_object().unwrap().len(), 2, "a line with an error has no action: {objects:?}");
        }
        assert_eq!((&objects[6]["replay"], &objects[7]["replay"]), (&json!("succeeded"), &json!("succeeded")));
        assert_eq!(replayed(&session, &["d"], NOT_WAITING).await.0, 3);
    }

    fn failed_since(since: &'static str, ids: &'static [&'static str]) -> Rule {
        mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(move |request| {
                let values = request.expression_attribute_values().unwrap();
                values[":status"] == s("FAILED") && values.get(":since") == Some(&s(since))
            })
            .then_output(move || {
                let items = ids.iter().map(|id| row(id, UploadKind::Package, "FAILED", Some("1")));
                QueryOutput::builder().set_items(Some(items.collect())).build()
            })
    }

    #[tokio::test]
    async fn replays_all_failed_since_or_lists_them_in_a_dry_run() {
        let since = Some("2026-11-21".parse().unwrap());
        for is_dry_run in [true, false] {
            let query = failed_since("2026-11-21T00:00:00.000Z", &["a", "b"]);
            let of = |id: &'static str| {
                let record = record(id, UploadKind::Package, "FAILED", Some("1"));
                let rows = rows(id, vec![row(id, UploadKind::Package, "FAILED", Some("1"))]);
                [rows, records(&submission(id), vec![Some(record)])]
            };
            let (a, b) = (of("a"), of("b"));
            let dynamodb: Vec<_> = a.iter().chain(&b).chain([&query]).collect();
            let described = ["a", "b"].map(failed);
            let redriven = ["a", "b"].map(redrive);
            let step_functions: Vec<_> = described.iter().chain(&redriven).collect();
            let session = session(&dynamodb, &step_functions, &[]);

            // In a dry run there is nothing to wait for.
            let how = How { is_dry_run, wait: is_dry_run.then_some(Duration::from_mins(10)), is_fresh: false };
            let code = session.replay(&[], since, how, true).await.unwrap();

            let calls = |rules: &[Rule]| rules.iter().map(Rule::num_calls).collect::<Vec<_>>();
            assert_eq!((code, calls(&described), query.num_calls()), (0, vec![1, 1], 1));
            assert_eq!(calls(&redriven), [usize::from(!is_dry_run); 2]);
        }
    }

    /// The submissions of an application.
    fn submissions(records: Vec<Item>) -> Rule {
        mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(|request| request.table_name() == Some("submissions"))
            .then_output(move || QueryOutput::builder().set_items(Some(records.clone())).build())
    }

    /// The records of the decisions on these submissions.
    fn decisions(ids: &'static [&'static str]) -> Rule {
        mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(|request| request.table_name() == Some("decisions"))
            .then_output(move || {
                let decision = |id: &&str| {
                    let thresholds = m([("SimilarityPass", AttributeValue::N("90".to_owned()))]);
                    Item::from([
                        ("submissionId".to_owned(), s(submission(id).as_str())),
                        ("thresholds".to_owned(), thresholds),
                    ])
                };
                // The record of a reopening has no submission.
                let items = ids.iter().map(decision).chain([Item::new()]);
                QueryOutput::builder().set_items(Some(items.collect())).build()
            })
    }

    fn history() -> Rule {
        mock!(aws_sdk_sfn::Client::get_execution_history)
            .then_output(|| GetExecutionHistoryOutput::builder().set_events(Some(Vec::new())).build().unwrap())
    }

    #[tokio::test]
    async fn history_shows_the_known_executions() {
        let (gone, left) = (execution("a"), execution("b"));
        let applications = rows("a", vec![row("a", UploadKind::Package, "approved", None)]);
        let submissions = submissions(vec![
            record("a", UploadKind::Package, "FAILED", Some("1")),
            record("b", UploadKind::Package, "DECIDED", None),
        ]);
        let unknown = state(&gone, None);
        let known = state(&left, Some(ExecutionStatus::Succeeded));
        let history = history();
        let session = session(&[&applications, &submissions, &decisions(&["b"])], &[&unknown, &known, &history], &[]);
        assert_eq!(session.history("a", true).await.unwrap(), 0);
        assert_eq!((unknown.num_calls(), known.num_calls(), history.num_calls()), (1, 1, 1));
        let error = session.history(&gone, true).await.unwrap_err();
        assert_eq!(error.exit_code(), 3, "the given execution does not exist: {error}");
    }

    #[tokio::test]
    async fn shows_every_submission_with_its_execution() {
        let applications = rows("a", vec![row("a", UploadKind::Package, "approved", None)]);
        let mut refused = submission::tests::record(FIRST, "selfie", "REFUSED");
        refused.remove("executionArn");
        refused.insert("reasons".to_owned(), AttributeValue::L(vec![s("UPLOAD_KIND_MISMATCH")]));
        let mut decided = record("a", UploadKind::Package, "DECIDED", None);
        let scores = m([("similarity", AttributeValue::N("97.5".to_owned()))]);
        decided.insert("identityCompare".to_owned(), m([("outcome", s("pass")), ("scores", scores)]));
        let submissions = submissions(vec![decided, refused]);
        let known = state(&execution("a"), Some(ExecutionStatus::Succeeded));
        let session = session(&[&applications, &submissions, &decisions(&["a"])], &[&known, &history()], &[]);

        let Shown { submissions, executions, text, .. } = session.shown(&"a".parse().unwrap()).await.unwrap();

        let statuses: Vec<_> = submissions.iter().map(|submission| submission.status.as_str()).collect();
        assert_eq!((statuses, executions.len()), (vec!["DECIDED", "REFUSED"], 1));
        assert!(text.starts_with("✓ a: approved\n  package, attempt 1: approved\npackage, attempt 1 "), "{text}");
        assert!(text.contains(&format!("\nselfie, attempt 1 {FIRST}: refused")), "{text}");
        assert!(text.contains("\n    UPLOAD_KIND_MISMATCH: "), "{text}");
        assert_eq!(text.matches("identityCompare").count(), 1, "{text}");
        assert!(text.contains("\n    similarity                        97.5   passes above 90\n"), "{text}");
        assert_eq!((submissions[0].thresholds["SimilarityPass"], submissions[1].thresholds.len()), (90.0, 0));
    }

    #[tokio::test]
    async fn shows_the_checks_of_a_conversation_which_has_no_submission() {
        let AttributeValue::M(conversation) = m([
            ("status", s("DECIDED")),
            ("outcome", s("referred")),
            ("identityExtraction", m([("outcome", s("pass"))])),
        ]) else {
            unreachable!()
        };
        let session = session(&[&rows("a", vec![conversation]), &submissions(Vec::new())], &[], &[]);
        let text = session.shown(&"a".parse().unwrap()).await.unwrap().text;
        assert_eq!(text, "… a: referred: a person has to decide\n  identityExtraction    pass");
    }

    #[tokio::test]
    async fn reopens_as_the_owner_of_the_credentials() {
        let mut declined = row("a", UploadKind::Package, "declined", None);
        declined.insert("kind".to_owned(), s("package"));
        let last = mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(|request| request.table_name() == Some("decisions"))
            .then_output(|| QueryOutput::builder().build());
        let write = mock!(aws_sdk_dynamodb::Client::transact_write_items)
            .match_requests(|request| {
                request.transact_items()[1].put().is_some_and(|decision| decision.item()["who"] == s("arn:ada"))
            })
            .then_output(|| TransactWriteItemsOutput::builder().build());
        let session = session(&[&rows("a", vec![declined]), &last, &write], &[], &[]);
        assert_eq!(session.reopen(&"a".parse().unwrap(), "A twin.", true).await.unwrap(), 0);
        assert_eq!(write.num_calls(), 1);
    }

    const EVERY: Duration = Duration::from_millis(1);

    /// Watches without a time limit until there were this many polls; it must not end before.
    async fn watch_for(session: &Session, filter: &Filter, query: &Rule, polls: usize) {
        let polled = async {
            while query.num_calls() < polls {
                sleep(EVERY).await;
            }
        };
        tokio::select! {
            ended = session.watch(filter, 50, EVERY, None, true) => panic!("watch has ended: {ended:?}"),
            () = polled => {}
        }
    }

    #[tokio::test]
    async fn watch_survives_a_throttled_poll() {
        let filter = Filter { outcome: Some(Outcome::Failed), ..Filter::default() };
        let query = mock!(aws_sdk_dynamodb::Client::query)
            .sequence()
            .output(|| QueryOutput::builder().build())
            .error(|| QueryError::generic(throttled()))
            .output(|| QueryOutput::builder().build())
            .repeatedly()
            .build();
        let session = session(&[&query], &[], &[]);
        watch_for(&session, &filter, &query, 3).await;
        // A watch that had at least one successful poll ends without an error.
        assert_eq!(session.watch(&filter, 50, EVERY, Some(Duration::ZERO), true).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn watch_fails_if_no_poll_succeeds() {
        let filter = Filter { outcome: Some(Outcome::Failed), ..Filter::default() };
        let query = mock!(aws_sdk_dynamodb::Client::query)
            .sequence()
            .error(|| QueryError::generic(throttled()))
            .repeatedly()
            .build();
        let throttled = session(&[&query], &[], &[]);
        watch_for(&throttled, &filter, &query, 2).await;
        let error = throttled.watch(&filter, 50, EVERY, Some(Duration::ZERO), true).await.unwrap_err();
        assert!(error.to_string().contains("throttled the request"), "{error}");
        let denied = mock!(aws_sdk_dynamodb::Client::query)
            .then_error(|| QueryError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert!(session(&[&denied], &[], &[]).watch(&filter, 50, EVERY, None, true).await.is_err());
        assert_eq!(denied.num_calls(), 1);
    }
}
