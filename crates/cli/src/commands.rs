//! What each command does, against one deployment. Results go to standard output, everything else to standard error.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::ApplicationId;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::application::{self, Application};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::history::{self, Timeline};
use crate::list::{self, Filter, Outcome, Since};
use crate::queues::{Queue, Queues};
use crate::render;
use crate::replay::{Action, Replayer};
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
        let (mut executions, mut gone) = (Vec::new(), Vec::new());
        for execution in application.executions() {
            match history::timeline(&self.step_functions, execution).await {
                Ok(timeline) => executions.push(timeline),
                Err(Error::UnknownExecution { execution }) => gone.push(execution),
                Err(error) => return Err(error),
            }
        }
        let text = render::details(&application, &self.target.place)
            + &render::evidence(&application)
            + &render::executions(&executions);
        Ok(Shown { application, executions, gone, text })
    }

    /// `show`
    ///
    /// # Errors
    /// When there is no such application, or AWS refuses or does not answer.
    pub async fn show(&self, id: &ApplicationId, is_revealing: bool, is_json: bool) -> Result<u8, Error> {
        let Shown { application, executions, gone, text } = self.shown(id).await?;
        for execution in gone {
            eprintln!("note: {execution} is no longer known to Step Functions");
        }
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
        if is_json {
            for application in &found {
                out(json!(application));
            }
        } else {
            out(render::list(&found));
            if found.len() == limit {
                eprintln!("the newest {limit}; --limit shows more");
            }
        }
        Ok(0)
    }

    /// `history`, of an application's executions or of one execution
    ///
    /// # Errors
    /// When there is no such application or execution, or AWS refuses or does not answer.
    pub async fn history(&self, what: &str, is_json: bool) -> Result<u8, Error> {
        let executions = if what.starts_with("arn:") {
            vec![what.to_owned()]
        } else {
            let application = self.application(&parse_id(what)?).await?;
            application.executions().map(str::to_owned).collect()
        };
        if executions.is_empty() {
            eprintln!("nothing was started for {what}");
        }
        for execution in executions {
            let timeline: Timeline = history::timeline(&self.step_functions, &execution).await?;
            show(is_json, &json!(timeline), || render::timeline(&timeline));
        }
        Ok(0)
    }

    /// `replay`; `ids` empty means all that have failed
    ///
    /// # Errors
    /// When there is no such application, or AWS refuses or does not answer.
    pub async fn replay(
        &self,
        ids: &[ApplicationId],
        since: Option<Since>,
        how: How,
        is_json: bool,
    ) -> Result<u8, Error> {
        let replayer = Replayer {
            step_functions: self.step_functions.clone(),
            sqs: self.sqs.clone(),
            uploads: self.deployment.data("UploadsQueueUrl")?.to_owned(),
        };
        let ids = if ids.is_empty() { self.failed(since).await? } else { ids.to_vec() };
        let total = ids.len();
        if total == 0 {
            eprintln!("no application has failed");
        }
        let (mut code, mut started) = (0, Vec::new());
        for (index, id) in ids.iter().enumerate() {
            let application = self.application(id).await?;
            let plan = replayer.plan(&application, how.is_fresh).await?;
            if plan.action == Action::Impossible {
                code = 1;
            }
            let is_work = matches!(plan.action, Action::Redrive | Action::Fresh);
            if is_work && !how.is_dry_run {
                replayer.perform(&plan).await?;
                started.push((id.clone(), application.updated_at.clone()));
            }
            show(is_json, &json!(plan), || render::plan(&plan));
            if std::io::stderr().is_terminal() && total > 1 {
                eprint!("\r{} of {total}", index + 1);
            }
        }
        if std::io::stderr().is_terminal() && total > 1 {
            eprintln!();
        }
        if let Some(limit) = how.wait {
            for (id, before) in started {
                code = code.max(self.replayed(&id, before.as_deref(), limit, is_json).await?);
            }
        }
        Ok(code)
    }

    async fn failed(&self, since: Option<Since>) -> Result<Vec<ApplicationId>, Error> {
        let filter = Filter { outcome: Some(Outcome::Failed), reason: None, since };
        let failed = list::list(&self.dynamodb, self.table()?, &filter, usize::MAX, SystemTime::now()).await?;
        failed.iter().map(|application| parse_id(&application.application_id)).collect()
    }

    /// Waits until the row has changed and the replay has ended.
    async fn replayed(
        &self,
        id: &ApplicationId,
        before: Option<&str>,
        limit: Duration,
        is_json: bool,
    ) -> Result<u8, Error> {
        let started = Instant::now();
        loop {
            let application = self.application(id).await?;
            let has_changed = application.updated_at.as_deref() != before;
            if has_changed && application.has_ended() && !self.is_being_redriven(&application).await? {
                show(is_json, &json!(application), || render::summary(&application));
                return Ok(u8::from(application.has_failed()));
            }
            if started.elapsed() > limit {
                show(is_json, &json!(application), || render::summary(&application));
                return Ok(4);
            }
            sleep(self.target.place.poll_interval()).await;
        }
    }

    /// The row of a redriven application tells of the failure before until the execution has ended, or until that is recorded.
    async fn is_being_redriven(&self, application: &Application) -> Result<bool, Error> {
        let execution = application.failure.as_ref().and_then(|failure| failure.execution.as_deref());
        let Some(execution) = execution.filter(|_| application.has_failed()) else { return Ok(false) };
        match self.step_functions.describe_execution().execution_arn(execution).send().await {
            Ok(described) => Ok(matches!(described.status, ExecutionStatus::Running | ExecutionStatus::Succeeded)),
            Err(error) => match Error::of_execution("describe the execution", execution, error) {
                Error::UnknownExecution { .. } => Ok(false),
                error => Err(error),
            },
        }
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
        show(is_json, &json!(depths), || render::depths(&depths));
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
        show(is_json, &json!(letters), || render::letters(&letters));
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
        let mut seen: HashMap<String, Option<String>> = HashMap::new();
        loop {
            let found = list::list(&self.dynamodb, self.table()?, filter, limit, SystemTime::now()).await?;
            if is_drawn {
                // Clears the screen and goes to its corner.
                out(format_args!("\x1b[2J\x1b[H{}\n\nCtrl-C ends", render::list(&found)));
            } else {
                // Oldest change first, as a log is read.
                for application in found.iter().rev() {
                    let id = application.application_id.clone();
                    if seen.insert(id, application.updated_at.clone()) != Some(application.updated_at.clone()) {
                        show(is_json, &json!(application), || render::summary(application));
                    }
                }
            }
            if until.is_some_and(|until| started.elapsed() + every > until) {
                return Ok(0);
            }
            sleep(every).await;
        }
    }
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

/// An application id as given on the command line.
///
/// # Errors
/// When it cannot be one.
pub fn parse_id(text: &str) -> Result<ApplicationId, Error> {
    text.parse().map_err(|error| Error::Usage(format!("{text:?} is no application: {error}")))
}

fn show(is_json: bool, object: &Value, text: impl FnOnce() -> String) {
    if is_json {
        out(object);
    } else {
        out(text());
    }
}

/// A line on standard output. Whoever closed it (`| head`) has seen enough.
pub fn out(line: impl Display) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}
