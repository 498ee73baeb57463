//! What each command does, against one deployment. Results go to standard output, everything else to standard error.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::ApplicationId;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::application::{self, Application};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::history::{self, Timeline};
use crate::list::{self, Filter, Outcome, Since};
use crate::queues::{Queue, Queues};
use crate::render;
use crate::replay::{Action, End, Line, Plan, Replayed, Replayer};
use crate::submit::{self, Package, Upload, Waited};
use crate::target::{self, Choice, Target};

/// A deployment and the clients that speak to it.
pub struct Session {
    target: Target,
    deployment: Deployment,
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    step_functions: aws_sdk_sfn::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Session {
    /// Connects, and finds what is deployed.
    ///
    /// # Errors
    /// When there are no credentials, no region or no deployment.
    pub async fn open(choice: &Choice) -> Result<Self, Error> {
        let folder = std::env::current_dir().unwrap_or_default();
        let target = target::connect(choice, &folder).await?;
        // Standard output is for results. Nobody should wonder which account a package went to.
        eprintln!("{} (stage {})", target.place, choice.stage);
        let cloudformation = aws_sdk_cloudformation::Client::new(&target.config);
        let deployment = Deployment::find(&cloudformation, &choice.stage, &target.place).await?;
        Ok(Self::of(target, deployment))
    }

    /// With what is already known.
    #[must_use]
    pub fn of(target: Target, deployment: Deployment) -> Self {
        Self {
            s3: target::s3(&target.config),
            dynamodb: aws_sdk_dynamodb::Client::new(&target.config),
            step_functions: aws_sdk_sfn::Client::new(&target.config),
            sqs: aws_sdk_sqs::Client::new(&target.config),
            target,
            deployment,
        }
    }

    fn table(&self) -> Result<&str, Error> {
        self.deployment.data("ApplicationsTableName")
    }

    async fn application(&self, id: &ApplicationId) -> Result<Application, Error> {
        let found = Application::fetch(&self.dynamodb, self.table()?, id).await?;
        found.ok_or_else(|| Error::UnknownApplication {
            application_id: id.as_str().to_owned(),
            place: self.target.place.to_string(),
        })
    }

    /// `submit`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn submit(&self, packages: &[Package], wait: Option<Duration>, is_json: bool) -> Result<u8, Error> {
        let uploads = submit::upload_all(&self.s3, self.deployment.data("BucketName")?, packages).await?;
        match wait {
            Some(limit) => self.wait(uploads, limit, is_json).await,
            None => self.show_uploads(&uploads, is_json),
        }
    }

    fn show_uploads(&self, uploads: &[Upload], is_json: bool) -> Result<u8, Error> {
        let bucket = self.deployment.data("BucketName")?;
        for upload in uploads {
            let Upload { application_id, key, version_id, .. } = upload;
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
        Ok(0)
    }

    async fn wait(&self, uploads: Vec<Upload>, limit: Duration, is_json: bool) -> Result<u8, Error> {
        let interval = self.target.place.poll_interval();
        eprintln!("{} uploaded, waiting for the verdict …", uploads.len());
        let mut waits = Vec::new();
        for upload in uploads {
            let (client, table) = (self.dynamodb.clone(), self.table()?.to_owned());
            waits.push(tokio::spawn(async move { submit::wait(&client, &table, &upload, limit, interval).await }));
        }
        let mut code = 0;
        for wait in waits {
            let waited = match wait.await {
                Ok(waited) => waited?,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            let application = waited.application();
            show(is_json, &json!(application), || render::details(application, &self.target.place));
            code = code.max(match waited {
                Waited::TimedOut(_) => 4,
                Waited::Superseded(_) => 1,
                Waited::Ended(ref application) => u8::from(application.has_failed()),
            });
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

    /// What `show` shows of an application as long as nothing is revealed.
    ///
    /// # Errors
    /// When there is no such application, or AWS refuses or does not answer.
    pub async fn shown(&self, id: &ApplicationId) -> Result<Shown, Error> {
        let application = self.application(id).await?;
        let (executions, gone) = self.timelines(&application).await?;
        let text = render::details(&application, &self.target.place)
            + &render::evidence(&application)
            + &render::executions(&executions);
        Ok(Shown { application, executions, gone, text })
    }

    /// Of an application's executions, and the ARNs of those that Step Functions no longer knows.
    async fn timelines(&self, application: &Application) -> Result<(Vec<Timeline>, Vec<String>), Error> {
        let (mut executions, mut gone) = (Vec::new(), Vec::new());
        for execution in application.executions() {
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
        let Shown { application, executions, gone, text } = self.shown(id).await?;
        note_gone(&gone);
        let details =
            if is_revealing { application::reveal(&self.dynamodb, self.table()?, id).await? } else { Value::Null };
        let mut object = json!(application);
        object["executions"] = json!(executions);
        if is_revealing {
            object["details"] = details.clone();
        }
        show(is_json, &object, || if is_revealing { text + &render::revealed(&details) } else { text });
        Ok(u8::from(application.has_failed()))
    }

    /// `list`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn list(&self, filter: &Filter, limit: usize, is_json: bool) -> Result<u8, Error> {
        let found = list::list(&self.dynamodb, self.table()?, filter, limit, SystemTime::now()).await?;
        show_all(is_json, &found, render::list);
        if !is_json && found.len() == limit {
            eprintln!("the newest {limit}; --limit shows more");
        }
        Ok(0)
    }

    /// `history`, of an application's executions or of one execution
    ///
    /// # Errors
    /// When there is no such application or execution, or AWS refuses or does not answer.
    pub async fn history(&self, what: &str, is_json: bool) -> Result<u8, Error> {
        let (timelines, gone) = if what.starts_with("arn:") {
            (vec![history::timeline(&self.step_functions, what).await?], Vec::new())
        } else {
            self.timelines(&self.application(&parse_id(what)?).await?).await?
        };
        if timelines.is_empty() && gone.is_empty() {
            eprintln!("nothing was started for {what}");
        }
        note_gone(&gone);
        for timeline in timelines {
            show(is_json, &json!(timeline), || render::timeline(&timeline));
        }
        Ok(0)
    }

    /// `replay`; `ids` empty means all that have failed
    ///
    /// # Errors
    /// When AWS refuses or does not answer; what is about one application is told in its line.
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
        let mut told = 0;
        self.replay_each(&ids, how, |line| {
            show(is_json, &json!(line), || render::replay(line));
            told += 1;
            if is_counted && told <= total {
                let end = if told == total { "\n" } else { "" };
                eprint!("\r{told} of {total}{end}");
            }
        })
        .await
    }

    /// A line for each application, and with a wait another one for each that was started. What goes wrong with one stops no other.
    async fn replay_each(&self, ids: &[ApplicationId], how: How, mut tell: impl FnMut(&Line)) -> Result<u8, Error> {
        let replayer = Replayer {
            step_functions: self.step_functions.clone(),
            sqs: self.sqs.clone(),
            uploads: self.deployment.data("UploadsQueueUrl")?.to_owned(),
        };
        let (mut code, mut started) = (0, Vec::new());
        for id in ids {
            let line = match self.start_replay(&replayer, id, how).await {
                Ok((plan, replay)) => {
                    started.extend(replay);
                    Line::Planned(plan)
                }
                Err(error) => Line::broken_off(id, &error),
            };
            code = code.max(line.exit_code());
            tell(&line);
        }
        let Some(limit) = how.wait else { return Ok(code) };
        let since = Instant::now();
        for replay in &started {
            let line = match self.end_of(replay, since, limit).await {
                Ok(ended) => Line::Ended(Box::new(ended)),
                Err(error) => Line::broken_off(&replay.id, &error),
            };
            code = code.max(line.exit_code());
            tell(&line);
        }
        Ok(code)
    }

    async fn start_replay(
        &self,
        replayer: &Replayer,
        id: &ApplicationId,
        how: How,
    ) -> Result<(Plan, Option<Started>), Error> {
        let application = self.application(id).await?;
        let plan = replayer.plan(&application, how.is_fresh).await?;
        let is_work = matches!(plan.action, Action::Redrive | Action::Fresh);
        let Some(execution) = plan.execution.clone().filter(|_| is_work && !how.is_dry_run) else {
            return Ok((plan, None));
        };
        replayer.perform(&plan).await?;
        let started = Started {
            id: id.clone(),
            is_fresh: plan.action == Action::Fresh,
            is_single: application.single_executions.contains(&execution),
            execution,
            before: application.updated_at,
        };
        Ok((plan, Some(started)))
    }

    async fn failed(&self, since: Option<Since>) -> Result<Vec<ApplicationId>, Error> {
        let filter = Filter { outcome: Some(Outcome::Failed), reason: None, since };
        let failed = list::list(&self.dynamodb, self.table()?, &filter, usize::MAX, SystemTime::now()).await?;
        failed.iter().map(|application| parse_id(&application.application_id)).collect()
    }

    /// Waits until a replay has ended.
    async fn end_of(&self, replay: &Started, since: Instant, limit: Duration) -> Result<Replayed, Error> {
        loop {
            let now = self.state_of(replay).await;
            let is_time_left = since.elapsed() <= limit;
            match now {
                Ok(Replayed { replay: End::Unfinished, .. }) if is_time_left => {}
                Err(error) if is_time_left && error.is_passing() => eprintln!("note: {error}"),
                now => return now,
            }
            sleep(self.target.place.poll_interval()).await;
        }
    }

    async fn state_of(&self, replay: &Started) -> Result<Replayed, Error> {
        let application = self.application(&replay.id).await?;
        if application.updated_at == replay.before {
            return Ok(Replayed { application, replay: End::Unfinished });
        }
        if replay.is_single {
            return self.state_of_single(replay, application).await;
        }
        let end = if !application.has_ended() || self.is_being_redriven(&application).await? {
            End::Unfinished
        } else if application.has_failed() {
            End::Failed
        } else {
            End::Succeeded
        };
        Ok(Replayed { application, replay: end })
    }

    /// A picture that was uploaded alone decides nothing. Its replay has ended when its execution has, and the row tells of that.
    async fn state_of_single(&self, replay: &Started, application: Application) -> Result<Replayed, Error> {
        let machine = history::machine(&replay.execution);
        let mut executions = application.single_executions.iter();
        // A fresh execution takes the failed one's place, and so does that of a newer upload.
        let current = executions.find(|execution| history::machine(execution) == machine);
        let current = current.unwrap_or(&replay.execution).as_str();
        let is_replaced = current != replay.execution;
        let status = if replay.is_fresh && !is_replaced { None } else { self.status_of(current).await? };
        let is_recorded = application.failed_execution() == Some(current);
        match status {
            Some(ExecutionStatus::Succeeded) if !is_recorded => {
                // What it wrote last may have come after the row was read.
                Ok(Replayed { application: self.application(&replay.id).await?, replay: End::Succeeded })
            }
            Some(ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted) if is_recorded => {
                Ok(Replayed { application, replay: End::Failed })
            }
            _ => Ok(Replayed { application, replay: End::Unfinished }),
        }
    }

    /// None when Step Functions does not know it, or not yet: the row names an execution before it is started.
    async fn status_of(&self, execution: &str) -> Result<Option<ExecutionStatus>, Error> {
        match self.step_functions.describe_execution().execution_arn(execution).send().await {
            Ok(described) => Ok(Some(described.status)),
            Err(error) => match Error::of_execution("describe the execution", execution, error) {
                Error::UnknownExecution { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    /// The row of a redriven application tells of the failure before until the execution has ended, or until that is recorded.
    async fn is_being_redriven(&self, application: &Application) -> Result<bool, Error> {
        let Some(execution) = application.failed_execution() else { return Ok(false) };
        let status = self.status_of(execution).await?;
        Ok(matches!(status, Some(ExecutionStatus::Running | ExecutionStatus::Succeeded)))
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
            format!("{}: {moved} messages are back at work", queue.name())
        });
        Ok(0)
    }

    /// `watch`: a table that is drawn anew on a terminal, a line for each change elsewhere
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
                        // Clears the screen and goes to its corner.
                        out(format_args!("\x1b[2J\x1b[H{}\n\nCtrl-C ends", render::list(&found)));
                    } else {
                        // Oldest change first, as a log is read.
                        found.iter().rev().filter(|application| is_news(&mut seen, application)).for_each(tell);
                    }
                }
                Err(error) if error.is_passing() && (is_answered || !is_last()) => {
                    eprintln!("note: {error}; watching on");
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

/// Has the application changed since it was seen?
fn is_news(seen: &mut HashMap<String, Option<String>>, application: &Application) -> bool {
    let id = application.application_id.clone();
    seen.insert(id, application.updated_at.clone()) != Some(application.updated_at.clone())
}

/// An application with everything that became of it.
#[derive(Debug)]
pub struct Shown {
    /// Its verdict.
    pub application: Application,
    /// Its executions.
    pub executions: Vec<Timeline>,
    /// ARNs of executions that Step Functions no longer knows.
    pub gone: Vec<String>,
    /// All of it for people.
    pub text: String,
}

/// How to replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// A fresh execution even where a redrive is allowed.
    pub is_fresh: bool,
    /// Say what would be done, and do nothing.
    pub is_dry_run: bool,
    /// Wait so long for the results.
    pub wait: Option<Duration>,
}

/// A replay under way.
#[derive(Debug)]
struct Started {
    id: ApplicationId,
    /// The one that failed.
    execution: String,
    /// Is it another execution that judges the upload now?
    is_fresh: bool,
    /// Of a picture that was uploaded alone?
    is_single: bool,
    /// When the row had changed last.
    before: Option<String>,
}

/// An application id as given on the command line.
///
/// # Errors
/// When it cannot be one.
pub fn parse_id(text: &str) -> Result<ApplicationId, Error> {
    text.parse().map_err(|error| Error::Usage(format!("{text:?} is no application: {error}")))
}

fn note_gone(executions: &[String]) {
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

/// A table for people, a line for each to anything else.
fn show_all<T: Serialize>(is_json: bool, objects: &[T], table: impl FnOnce(&[T]) -> String) {
    if is_json {
        for object in objects {
            out(json!(object));
        }
    } else {
        out(table(objects));
    }
}

/// A line on standard output. Whoever closed it (`| head`) has seen enough.
pub fn out(line: impl Display) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
    use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput;
    use aws_sdk_sfn::operation::redrive_execution::{RedriveExecutionError, RedriveExecutionOutput};
    use aws_sdk_sfn::types::ExecutionRedriveStatus;
    use aws_sdk_sfn::types::error::{ExecutionDoesNotExist, ExecutionNotRedrivable};
    use aws_sdk_sqs::operation::send_message::SendMessageOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::target::Place;

    type Row = HashMap<String, AttributeValue>;

    const WAITING: How = How { is_fresh: false, is_dry_run: false, wait: Some(Duration::from_mins(10)) };
    const NOT_WAITING: How = How { is_fresh: false, is_dry_run: false, wait: None };

    fn session(dynamodb: &[&Rule], step_functions: &[&Rule], sqs: &[&Rule]) -> Session {
        let config = aws_config::SdkConfig::builder().build();
        let outputs = [("ApplicationsTableName", "applications"), ("UploadsQueueUrl", "https://uploads")];
        let target = Target { config, place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() } };
        Session {
            target,
            deployment: Deployment::of("dev", outputs),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, Vec::<&Rule>::new()),
            // What is throttled is to be heard of at once.
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, dynamodb, |config| {
                config.retry_config(RetryConfig::disabled())
            }),
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, sqs),
        }
    }

    fn s(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn m<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
        AttributeValue::M(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn execution(machine: &str, name: &str) -> String {
        format!("arn:aws:states:eu-north-1:1:execution:bonafide-dev-{machine}:{name}")
    }

    /// A row that names an execution, and perhaps tells of the failure of one.
    fn row(id: &str, status: &str, changed: &str, named: (&str, &str), failed: Option<&str>) -> Row {
        let upload = |key: &str| m([("bucket", s("b")), ("key", s(key)), ("versionId", s("v1"))]);
        let mut row: Row = [
            ("applicationId", s(id)),
            ("status", s(status)),
            ("updatedAt", s(changed)),
            (named.0, s(named.1)),
            ("package", upload("zipped/a.zip")),
            ("selfie", upload("selfie/a.png")),
            ("document", upload("id_document/a.png")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(failed) = failed {
            row.insert("failure".to_owned(), m([("executionArn", s(failed))]));
        }
        row
    }

    /// Its states, one for each question, the last for all that follow.
    fn rows(id: &'static str, rows: Vec<Row>) -> Rule {
        let mut rule = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(move |request| request.key().and_then(|key| key.get("applicationId")) == Some(&s(id)))
            .sequence();
        let last = rows.last().cloned().unwrap();
        for row in rows {
            rule = rule.output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
        }
        rule.output(move || GetItemOutput::builder().set_item(Some(last.clone())).build()).repeatedly().build()
    }

    fn described(execution: &str, status: ExecutionStatus) -> DescribeExecutionOutput {
        DescribeExecutionOutput::builder()
            .execution_arn(execution)
            .state_machine_arn("arn")
            .status(status)
            .redrive_status(ExecutionRedriveStatus::Redrivable)
            .start_date(DateTime::from_secs(1))
            .build()
            .unwrap()
    }

    fn unknown() -> DescribeExecutionError {
        let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
        DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
    }

    /// What Step Functions says of it, one for each question; none while it does not know it.
    fn states(execution: &str, states: Vec<Option<ExecutionStatus>>) -> Rule {
        let asked = execution.to_owned();
        let mut rule = mock!(aws_sdk_sfn::Client::describe_execution)
            .match_requests(move |request| request.execution_arn() == Some(&asked))
            .sequence();
        for state in states {
            let execution = execution.to_owned();
            rule = match state {
                Some(state) => rule.output(move || described(&execution, state.clone())),
                None => rule.error(unknown),
            };
        }
        rule.build()
    }

    fn redrive(execution: &str) -> Rule {
        let execution = execution.to_owned();
        mock!(aws_sdk_sfn::Client::redrive_execution)
            .match_requests(move |request| request.execution_arn() == Some(&execution))
            .then_output(|| RedriveExecutionOutput::builder().redrive_date(DateTime::from_secs(2)).build().unwrap())
    }

    async fn replayed(session: &Session, ids: &[&str], how: How) -> (u8, Vec<Value>, Vec<String>) {
        let ids: Vec<ApplicationId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let (mut objects, mut texts) = (Vec::new(), Vec::new());
        let code = session
            .replay_each(&ids, how, |line| {
                objects.push(json!(line));
                texts.push(render::replay(line));
            })
            .await
            .unwrap();
        (code, objects, texts)
    }

    const SINGLES: [(&str, &str, &str); 2] = [
        ("identity-verification", "identityVerificationExecutionArn", "identityVerification"),
        ("document-extraction", "documentExtractionExecutionArn", "documentExtraction"),
    ];

    #[tokio::test]
    async fn what_was_uploaded_alone_has_been_replayed_when_its_execution_has_ended() {
        for (machine, attribute, check) in SINGLES {
            let failed = execution(machine, "a-1");
            let failed_at = |changed| row("a", "FAILED", changed, (attribute, &failed), Some(&failed));
            let mut checked = row("a", "IN_PROGRESS", "3", (attribute, &failed), None);
            checked.insert(check.to_owned(), m([("outcome", s("pass"))]));
            // The check is written before the execution ends, and the failure taken back after that.
            let dynamodb = rows("a", vec![failed_at("1"), failed_at("2"), failed_at("2"), checked]);
            let (running, succeeded) = (Some(ExecutionStatus::Running), Some(ExecutionStatus::Succeeded));
            let states = states(&failed, vec![Some(ExecutionStatus::Failed), running, succeeded.clone(), succeeded]);
            let redrive = redrive(&failed);
            let session = session(&[&dynamodb], &[&states, &redrive], &[]);

            let (code, objects, texts) = replayed(&session, &["a"], WAITING).await;

            assert_eq!((code, redrive.num_calls(), states.num_calls()), (0, 1, 4));
            let [planned, ended] = &objects[..] else { panic!("{objects:?}") };
            assert_eq!((&planned["action"], planned.get("replay")), (&json!("redrive"), None));
            assert_eq!((&ended["replay"], &ended["status"]), (&json!("succeeded"), &json!("IN_PROGRESS")));
            assert_eq!(ended["checks"][check]["outcome"], "pass");
            assert_eq!(
                texts[1],
                format!("✓ a: replayed; nothing is decided, since only a package is\n  {check:<21} pass")
            );
        }
    }

    #[tokio::test]
    async fn what_was_uploaded_alone_is_awaited_afresh_as_well() {
        let fresh = How { is_fresh: true, ..WAITING };
        let (running, succeeded, broken) =
            (Some(ExecutionStatus::Running), Some(ExecutionStatus::Succeeded), Some(ExecutionStatus::Failed));
        for (machine, attribute, _) in SINGLES {
            let (failed, new) = (execution(machine, "a-1"), execution(machine, "a-2"));
            let by = |status, changed, named: &str, failure| row("a", status, changed, (attribute, named), failure);
            let begun = [
                by("FAILED", "1", &failed, Some(&*failed)),
                // Something else has changed the row.
                by("FAILED", "2", &failed, Some(&*failed)),
                // The starter has recorded the new one, and not started it yet.
                by("FAILED", "3", &new, Some(&*failed)),
            ];
            let mut decided = by("DECIDED", "4", &new, None);
            decided.insert("outcome".to_owned(), s("approved"));
            let broken_again = by("FAILED", "5", &new, Some(&*new));
            let open = by("IN_PROGRESS", "4", &new, None);
            for (later, then, code, end) in [
                (vec![open.clone()], succeeded.clone(), 0, "succeeded"),
                // Beside a verdict that stands.
                (vec![decided], succeeded.clone(), 0, "succeeded"),
                // What has failed is recorded a little later.
                (vec![open.clone(), open.clone(), broken_again], broken.clone(), 1, "failed"),
            ] {
                let dynamodb = rows("a", begun.iter().cloned().chain(later).collect());
                let old = states(&failed, vec![broken.clone()]);
                let new = states(&new, vec![None, running.clone(), then.clone(), then]);
                let send =
                    mock!(aws_sdk_sqs::Client::send_message).then_output(|| SendMessageOutput::builder().build());
                let session = session(&[&dynamodb], &[&old, &new], &[&send]);

                let (ended, objects, _) = replayed(&session, &["a"], fresh).await;

                assert_eq!((ended, &objects[1]["replay"], send.num_calls()), (code, &json!(end), 1), "{objects:?}");
                assert!(new.num_calls() >= 3, "it ended while the new execution ran: {objects:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_package_is_replayed_when_it_has_its_verdict() {
        let failed = execution("onboarding", "a-1");
        let by = |status, changed, failure| row("a", status, changed, ("executionArn", &failed), failure);
        let mut decided = by("DECIDED", "3", None);
        decided.insert("outcome".to_owned(), s("approved"));
        let dynamodb = rows("a", vec![by("FAILED", "1", Some(&*failed)), by("IN_PROGRESS", "2", None), decided]);
        let states = states(&failed, vec![Some(ExecutionStatus::Failed)]);
        let redrive = redrive(&failed);
        let (code, objects, texts) = replayed(&session(&[&dynamodb], &[&states, &redrive], &[]), &["a"], WAITING).await;
        assert_eq!((code, &objects[1]["replay"], &objects[1]["outcome"]), (0, &json!("succeeded"), &json!("approved")));
        assert_eq!(texts[1], "✓ a: approved");
    }

    #[tokio::test]
    async fn a_replay_that_does_not_end_is_4() {
        let failed = execution("document-extraction", "a-1");
        let failed_row = row("a", "FAILED", "1", ("documentExtractionExecutionArn", &failed), Some(&failed));
        let dynamodb = rows("a", vec![failed_row]);
        let (states, redrive) = (states(&failed, vec![Some(ExecutionStatus::Failed)]), redrive(&failed));
        let how = How { wait: Some(Duration::ZERO), ..WAITING };
        let (code, objects, texts) = replayed(&session(&[&dynamodb], &[&states, &redrive], &[]), &["a"], how).await;
        assert_eq!((code, &objects[1]["replay"]), (4, &json!("unfinished")));
        assert!(texts[1].starts_with("… a: the replay has not ended"), "{texts:?}");
    }

    fn throttled() -> ErrorMetadata {
        ErrorMetadata::builder().code("ThrottlingException").message("Slower.").build()
    }

    #[tokio::test]
    async fn a_replay_is_awaited_beyond_a_poll_that_is_throttled() {
        let failed = execution("onboarding", "a-1");
        let broken = row("a", "FAILED", "1", ("executionArn", &failed), Some(&failed));
        let mut decided = row("a", "DECIDED", "2", ("executionArn", &failed), None);
        decided.insert("outcome".to_owned(), s("approved"));
        let dynamodb = mock!(aws_sdk_dynamodb::Client::get_item)
            .sequence()
            .output(move || GetItemOutput::builder().set_item(Some(broken.clone())).build())
            .error(|| GetItemError::generic(throttled()))
            .output(move || GetItemOutput::builder().set_item(Some(decided.clone())).build())
            .build();
        let (states, redrive) = (states(&failed, vec![Some(ExecutionStatus::Failed)]), redrive(&failed));
        let (code, objects, _) = replayed(&session(&[&dynamodb], &[&states, &redrive], &[]), &["a"], WAITING).await;
        assert_eq!((code, &objects[1]["replay"], dynamodb.num_calls()), (0, &json!("succeeded"), 3));
    }

    #[tokio::test]
    async fn what_goes_wrong_with_one_stops_no_other() {
        let arn = |name: &str| execution("onboarding", name);
        let failed = |id: &str, name: &str| row(id, "FAILED", "1", ("executionArn", &arn(name)), Some(&arn(name)));
        let decided = |id: &str, name: &str| {
            let mut row = row(id, "DECIDED", "2", ("executionArn", &arn(name)), None);
            row.insert("outcome".to_owned(), s("approved"));
            row
        };
        let of = |id, name: &str| rows(id, vec![failed(id, name), decided(id, name)]);
        let superseded = row("e", "FAILED", "1", ("executionArn", &arn("e-2")), Some(&arn("e-1")));
        let throttled = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| request.key().and_then(|key| key.get("applicationId")) == Some(&s("c")))
            .then_error(|| GetItemError::generic(throttled()));
        let expired = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| request.key().and_then(|key| key.get("applicationId")) == Some(&s("d")))
            .then_output(|| GetItemOutput::builder().build());
        let dynamodb =
            [of("a", "a-1"), of("b", "b-1"), throttled, expired, rows("e", vec![superseded]), of("f", "f-1")];
        let refused = {
            let execution = arn("b-1");
            mock!(aws_sdk_sfn::Client::redrive_execution)
                .match_requests(move |request| request.execution_arn() == Some(&execution))
                .then_error(|| {
                    let meta = ErrorMetadata::builder().code("ExecutionNotRedrivable").message("Too old.").build();
                    RedriveExecutionError::ExecutionNotRedrivable(ExecutionNotRedrivable::builder().meta(meta).build())
                })
        };
        let states = |name: &str, state| states(&arn(name), vec![Some(state)]);
        let step_functions = [
            states("a-1", ExecutionStatus::Failed),
            states("b-1", ExecutionStatus::Failed),
            // Not redrivable, and its upload was replaced.
            mock!(aws_sdk_sfn::Client::describe_execution)
                .match_requests(|request| request.execution_arn().is_some_and(|arn| arn.ends_with("e-1")))
                .then_error(unknown),
            states("f-1", ExecutionStatus::Failed),
            redrive(&arn("a-1")),
            refused,
            redrive(&arn("f-1")),
        ];
        let session = session(&dynamodb.each_ref(), &step_functions.each_ref(), &[]);

        let (code, objects, texts) = replayed(&session, &["a", "b", "c", "d", "e", "f"], WAITING).await;

        assert_eq!(code, 5, "the highest of 5, 5, 3 and 1");
        let told: Vec<_> = objects.iter().map(|line| line["applicationId"].as_str().unwrap()).collect();
        assert_eq!(told, ["a", "b", "c", "d", "e", "f", "a", "f"], "each one, then each one that was started");
        assert_eq!(objects[4]["action"], "impossible");
        assert!(objects[1]["error"].as_str().unwrap().contains("Too old"), "{objects:?}");
        assert!(objects[2]["error"].as_str().unwrap().contains("asked too often"), "{objects:?}");
        assert!(objects[3]["error"].as_str().unwrap().contains("no application d"), "{objects:?}");
        for line in [1, 2, 3] {
            assert_eq!(texts[line], format!("! {}: {}", told[line], objects[line]["error"].as_str().unwrap()));
            assert_eq!(objects[line].as_object().unwrap().len(), 2, "what was not done has no action: {objects:?}");
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
                let items = ids.iter().map(|id| row(id, "FAILED", "1", ("executionArn", "arn"), Some("arn")));
                QueryOutput::builder().set_items(Some(items.collect())).build()
            })
    }

    #[tokio::test]
    async fn all_that_failed_since_is_replayed_and_in_a_dry_run_only_told() {
        let since = Some("2026-11-21".parse().unwrap());
        for is_dry_run in [true, false] {
            let query = failed_since("2026-11-21T00:00:00.000Z", &["a", "b"]);
            let (a, b) = (execution("onboarding", "a-1"), execution("onboarding", "b-1"));
            let failed =
                |id: &'static str, arn: &str| rows(id, vec![row(id, "FAILED", "1", ("executionArn", arn), Some(arn))]);
            let dynamodb = [query, failed("a", &a), failed("b", &b)];
            let described = [&a, &b].map(|arn| states(arn, vec![Some(ExecutionStatus::Failed)]));
            let redriven = [redrive(&a), redrive(&b)];
            let step_functions: Vec<_> = described.iter().chain(&redriven).collect();
            let session = session(&dynamodb.each_ref(), &step_functions, &[]);

            // In a dry run there is nothing to wait for.
            let how = How { is_dry_run, wait: is_dry_run.then_some(Duration::from_mins(10)), is_fresh: false };
            let code = session.replay(&[], since, how, true).await.unwrap();

            let calls = |rules: &[Rule]| rules.iter().map(Rule::num_calls).collect::<Vec<_>>();
            assert_eq!((code, calls(&described), dynamodb[0].num_calls()), (0, vec![1, 1], 1));
            assert_eq!(calls(&redriven), [usize::from(!is_dry_run); 2]);
        }
    }

    #[tokio::test]
    async fn history_tells_the_executions_that_are_left() {
        let (gone, left) = (execution("onboarding", "a-1"), execution("document-extraction", "a-2"));
        let mut named = row("a", "DECIDED", "1", ("executionArn", &gone), None);
        named.insert("documentExtractionExecutionArn".to_owned(), s(&left));
        let dynamodb = rows("a", vec![named]);
        let unknown = states(&gone, vec![None, None]);
        let known = states(&left, vec![Some(ExecutionStatus::Succeeded)]);
        let history = mock!(aws_sdk_sfn::Client::get_execution_history)
            .then_output(|| GetExecutionHistoryOutput::builder().set_events(Some(Vec::new())).build().unwrap());
        let session = session(&[&dynamodb], &[&unknown, &known, &history], &[]);
        assert_eq!(session.history("a", true).await.unwrap(), 0);
        assert_eq!((unknown.num_calls(), known.num_calls(), history.num_calls()), (1, 1, 1));
        let error = session.history(&gone, true).await.unwrap_err();
        assert_eq!(error.exit_code(), 3, "the one that was asked for is not there: {error}");
    }

    const EVERY: Duration = Duration::from_millis(1);

    /// Watches without an end, which it must not come to by itself, until there were so many polls.
    async fn watch_for(session: &Session, filter: &Filter, query: &Rule, polls: usize) {
        let polled = async {
            while query.num_calls() < polls {
                sleep(EVERY).await;
            }
        };
        tokio::select! {
            ended = session.watch(filter, 50, EVERY, None, true) => panic!("it has ended: {ended:?}"),
            () = polled => {}
        }
    }

    #[tokio::test]
    async fn watch_survives_a_poll_that_is_throttled() {
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
        // At its end, a watch that has heard something has not failed.
        assert_eq!(session.watch(&filter, 50, EVERY, Some(Duration::ZERO), true).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn watch_that_never_hears_anything_has_failed() {
        let filter = Filter { outcome: Some(Outcome::Failed), ..Filter::default() };
        let query = mock!(aws_sdk_dynamodb::Client::query)
            .sequence()
            .error(|| QueryError::generic(throttled()))
            .repeatedly()
            .build();
        let throttled = session(&[&query], &[], &[]);
        watch_for(&throttled, &filter, &query, 2).await;
        let error = throttled.watch(&filter, 50, EVERY, Some(Duration::ZERO), true).await.unwrap_err();
        assert!(error.to_string().contains("asked too often"), "{error}");
        let denied = mock!(aws_sdk_dynamodb::Client::query)
            .then_error(|| QueryError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert!(session(&[&denied], &[], &[]).watch(&filter, 50, EVERY, None, true).await.is_err());
        assert_eq!(denied.num_calls(), 1);
    }
}
