//! The commands, for one deployment. Results go to standard output, everything else to standard error.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::{ApplicationId, Consent, OutcomeFilter, ReasonCode, SubmissionId, Thresholds};
use bonafide_records::{Audit, Audited, Finding, plain};
use chrono::DateTime;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;

use crate::application::{self, Application};
use crate::audit;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::explain::{self, Sentences};
use crate::export::Export;
use crate::history::{self, Timeline};
use crate::list::{self, Filter, Since};
use crate::package::Parts;
use crate::queues::{Queue, Queues};
use crate::records::Records;
use crate::render;
use crate::replay::{self, Line, ReplayStatus, Replayed, Replayer, Started};
use crate::review::{self, CasePath, Decision, Identity, Keeping, ReviewApi};
use crate::row::Item;
use crate::rules;
use crate::submission::Submission;
use crate::submit::{self, Package, Upload, Waited};
use crate::target::{self, Choice, Target};
use crate::waiting::{Reminder, Waiting};

/// Interval between two progress messages of a wait.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// How an application is erased.
#[derive(Debug, Clone, Copy)]
pub struct Erasing {
    /// Only the plan is wanted.
    pub is_dry_run: bool,
    /// How long to wait for the end.
    pub wait: Option<Duration>,
}

/// A deployment and its AWS clients.
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
    pub async fn submit(
        &self,
        packages: &[Package],
        consent: Option<&Consent>,
        wait: Option<Duration>,
        is_json: bool,
    ) -> Result<u8, Error> {
        let uploads = submit::upload_all(&self.s3, self.deployment.data("BucketName")?, packages, consent).await?;
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

    /// `show`; for a reviewer with personal data
    ///
    /// # Errors
    /// When there is no such application, when the review API does not record the look, or when AWS refuses or does not answer.
    pub async fn show(&self, id: &ApplicationId, reveal_to: Option<&Identity>, is_json: bool) -> Result<u8, Error> {
        let Shown { application, submissions, executions, gone, text } = self.shown(id).await?;
        print_unknown(&gone);
        let mut object = json!(application);
        object["submissions"] = json!(submissions);
        object["executions"] = json!(executions);
        let mut revealed = String::new();
        if let Some(identity) = reveal_to {
            let details = self.revealed(identity, id, &application).await?;
            revealed = render::revealed(&details);
            object["details"] = details;
        }
        show(is_json, &object, || text + &revealed);
        Ok(u8::from(application.has_failed()))
    }

    async fn revealed(
        &self,
        identity: &Identity,
        id: &ApplicationId,
        application: &Application,
    ) -> Result<Value, Error> {
        // Nothing is read that is not recorded.
        self.review(identity).await?.access(id).await?;
        let Records { dynamodb, applications, submissions, .. } = self.records()?;
        // A selfie has no details.
        let latest = application.package_submission.as_ref().or(application.document_submission.as_ref());
        let latest = latest.map(|latest| &latest.submission_id);
        application::reveal(&dynamodb, &applications, &submissions, id, latest).await
    }

    fn records_and_seals(&self) -> Result<Audit, Error> {
        Ok(Audit {
            dynamodb: self.dynamodb.clone(),
            table: self.deployment.data("DecisionsTableName")?.to_owned(),
            s3: self.s3.clone(),
            bucket: self.deployment.data("RecordsBucketName")?.to_owned(),
        })
    }

    /// `audit verify` of one application or of all; 1 when something is wrong
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn audit_verify(&self, id: Option<&ApplicationId>, is_json: bool) -> Result<u8, Error> {
        let (audit, now) = (self.records_and_seals()?, DateTime::from(SystemTime::now()));
        let (mut applications, mut records, mut findings) = (0_u64, 0, 0);
        let mut tell = |audited| {
            let verified = audit::Verified::of(audited, now);
            applications += 1;
            records += verified.records;
            findings += verified.findings.len();
            // Of all applications, only those with findings are told.
            if id.is_some() || !verified.findings.is_empty() {
                show(is_json, &json!(verified), || audit::verified(&verified));
            }
        };
        let done = match id {
            Some(id) => audit.application(id.clone()).await.map(&mut tell),
            None => audit.all(&mut tell).await,
        };
        done.map_err(|error| Error::from_service("compare the decision records with their seals", &error))?;
        if id.is_none() {
            let all = json!({"applications": applications, "records": records, "findings": findings});
            show(is_json, &all, || format!("{records} records of {applications} applications: {findings} findings"));
        }
        Ok(u8::from(findings > 0))
    }

    /// `audit restore`; 1 when a lost record has no readable seal
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn audit_restore(&self, id: Option<ApplicationId>, is_dry_run: bool, is_json: bool) -> Result<u8, Error> {
        let action = "put the decision records back";
        let audit = self.records_and_seals()?;
        let mut lacking = Vec::new();
        let mut take = |audited: Audited| {
            if audited.findings.iter().any(|finding| matches!(finding, Finding::Missing(_))) {
                lacking.push(audited);
            }
        };
        let done = match id {
            Some(id) => audit.application(id).await.map(&mut take),
            None => audit.all(&mut take).await,
        };
        done.map_err(|error| Error::from_service(action, &error))?;
        let (mut restored, mut unreadable) = (0_u64, 0_u64);
        for Audited { application, findings, .. } in lacking {
            let seals = audit.seals(&application).await.map_err(|error| Error::from_service(action, &error))?.versions;
            let missing = findings.iter().filter_map(|finding| match finding {
                Finding::Missing(number) => Some(*number),
                _ => None,
            });
            for number in missing {
                let seal = seals.iter().find(|seal| seal.number == number);
                let record = match seal {
                    Some(seal) => audit.sealed(seal).await.map_err(|error| Error::from_service(action, &error))?,
                    None => None,
                };
                let Some(record) = record else {
                    unreadable += 1;
                    eprintln!("{}: record {number} has no seal with its text", application.as_str());
                    continue;
                };
                let (told, line) = (plain(&record), audit::line(&record));
                if is_dry_run || audit.put_back(record).await.map_err(|error| Error::from_service(action, &error))? {
                    restored += 1;
                    show(is_json, &told, || format!("{}: {line}", application.as_str()));
                }
            }
        }
        if !is_json {
            let would = if is_dry_run { "would be put back" } else { "put back" };
            eprintln!("{restored} records {would}, {unreadable} without a readable seal");
        }
        Ok(u8::from(unreadable > 0))
    }

    async fn decision_records(&self, id: &ApplicationId) -> Result<Vec<Item>, Error> {
        let records = self.records_and_seals()?.records(id).await;
        let records = records.map_err(|error| Error::from_service("read the decision records", &error))?;
        if records.is_empty() { Err(self.no_decisions(id)) } else { Ok(records) }
    }

    /// `audit show`
    ///
    /// # Errors
    /// When there are no decision records, or AWS refuses or does not answer.
    pub async fn audit_show(&self, id: &ApplicationId, is_json: bool) -> Result<u8, Error> {
        let records = self.decision_records(id).await?;
        if is_json {
            for record in &records {
                out(plain(record));
            }
        } else {
            out(audit::story(id, &records));
        }
        Ok(0)
    }

    /// `audit explain`
    ///
    /// # Errors
    /// When nothing was decided yet, a sentence is missing, or AWS refuses or does not answer.
    pub async fn audit_explain(&self, id: &ApplicationId, sentences: &Sentences, is_json: bool) -> Result<u8, Error> {
        let records = self.decision_records(id).await?;
        let explained = explain::explain(id, &records, sentences)?.ok_or_else(|| self.no_decisions(id))?;
        show(is_json, &json!(explained), || explain::explained(&explained));
        Ok(0)
    }

    fn no_decisions(&self, id: &ApplicationId) -> Error {
        Error::NoDecisions { application_id: id.as_str().to_owned(), place: self.target.place.to_string() }
    }

    /// `audit rejudge`: 1 when a reason does not follow from the recorded scores
    ///
    /// # Errors
    /// When there are no decision records, or AWS refuses or does not answer.
    pub async fn audit_rejudge(&self, id: &ApplicationId, now: &Thresholds, is_json: bool) -> Result<u8, Error> {
        let records = self.decision_records(id).await?;
        let rejudged: Vec<_> = records.iter().filter_map(|record| audit::rejudge(record, now)).collect();
        show_all(is_json, &rejudged, audit::rejudged);
        Ok(u8::from(rejudged.iter().any(|one| !one.unexplained.is_empty())))
    }

    /// `audit rules`
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn audit_rules(&self, is_json: bool) -> Result<u8, Error> {
        let conclusions = rules::conclusions(&self.dynamodb, self.deployment.data("DecisionsTableName")?).await?;
        show_all(is_json, &rules::of(&conclusions), rules::listed);
        Ok(0)
    }

    /// `audit export`
    ///
    /// # Errors
    /// When AWS refuses or does not answer, or the file cannot be written.
    pub async fn audit_export(
        &self,
        since: Since,
        until: Option<Since>,
        path: &Path,
        is_json: bool,
    ) -> Result<u8, Error> {
        let now = SystemTime::now();
        let (since, until) = (since.text(now), until.unwrap_or(Since::At(now)).text(now));
        let table = self.deployment.data("DecisionsTableName")?;
        let records = audit::records_between(&self.dynamodb, table, &since, &until).await?;
        let count = audit::export(&records, path)?;
        show(is_json, &json!({"file": path, "records": count, "since": since, "until": until}), || {
            format!("{}: {count} decision records from {since} to {until}", path.display())
        });
        Ok(0)
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
        identity: &Identity,
        ids: &[ApplicationId],
        since: Option<Since>,
        how: How,
        is_json: bool,
    ) -> Result<u8, Error> {
        let api = self.review(identity).await?;
        let ids = if ids.is_empty() { self.failed(since).await? } else { ids.to_vec() };
        let total = ids.len();
        if total == 0 {
            eprintln!("no application has failed");
        }
        let is_counted = std::io::stderr().is_terminal() && total > 1;
        self.replay_each(api, &ids, how, |done, line| {
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
        api: ReviewApi,
        ids: &[ApplicationId],
        how: How,
        mut tell: impl FnMut(Option<usize>, &Line),
    ) -> Result<u8, Error> {
        let replayer = Replayer { records: self.records()?, api };
        let (mut code, mut started) = (0, Vec::new());
        for (index, id) in ids.iter().enumerate() {
            for line in start_replays(&replayer, id, how, &mut started).await {
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

    async fn failed(&self, since: Option<Since>) -> Result<Vec<ApplicationId>, Error> {
        let filter = Filter { outcome: Some(OutcomeFilter::Failed), reason: None, since };
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
    /// When the review API refuses or does not answer.
    pub async fn reopen(
        &self,
        identity: &Identity,
        id: &ApplicationId,
        reason: &str,
        is_json: bool,
    ) -> Result<u8, Error> {
        let answer = self.review(identity).await?.reopen(id, reason).await?;
        show(is_json, &answer, || format!("{id} is open again: the applicant may upload"));
        Ok(0)
    }

    /// `appeal`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn appeal(
        &self,
        identity: &Identity,
        id: &ApplicationId,
        reason: &str,
        is_json: bool,
    ) -> Result<u8, Error> {
        let answer = self.review(identity).await?.appeal(id, reason).await?;
        show(is_json, &answer, || {
            format!(
                "{id} is judged again; then it waits for two other reviewers: bonafide review list --reason APPLICATION_APPEALED"
            )
        });
        Ok(0)
    }

    /// The application that has become this customer.
    ///
    /// # Errors
    /// When there is none, or AWS refuses or does not answer.
    pub async fn application_of(&self, customer: &str) -> Result<ApplicationId, Error> {
        let scan = self.dynamodb.scan().table_name(self.deployment.data("CustomersTableName")?);
        // The key is personal: it has the number of the document.
        let scan = scan.filter_expression("customerId = :customer").projection_expression("applicationId");
        let scan = scan.expression_attribute_values(":customer", AttributeValue::S(customer.to_owned()));
        let mut found = scan.into_paginator().items().send();
        let found = found.next().await.transpose().map_err(|error| Error::from_sdk("search the customers", error))?;
        let application = found.as_ref().and_then(|row| row.get("applicationId")?.as_s().ok()?.parse().ok());
        application.ok_or_else(|| Error::UnknownCustomer {
            customer_id: customer.to_owned(),
            place: self.target.place.to_string(),
        })
    }

    /// `hold`, `unhold`, `customer end` and `customer resume`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn keep(
        &self,
        identity: &Identity,
        id: &ApplicationId,
        keeping: Keeping,
        reason: &str,
        is_json: bool,
    ) -> Result<u8, Error> {
        let answer = self.review(identity).await?.keep(id, keeping, reason).await?;
        show(is_json, &answer, || format!("{id} {}", keeping.meaning()));
        Ok(0)
    }

    /// `erase`
    ///
    /// # Errors
    /// When the review API refuses, or AWS refuses or does not answer.
    pub async fn erase(
        &self,
        identity: &Identity,
        id: &ApplicationId,
        reason: &str,
        how: Erasing,
        is_json: bool,
    ) -> Result<u8, Error> {
        let answer = self.review(identity).await?.erase(id, reason, how.is_dry_run).await?;
        let (Some(limit), Some(execution)) = (how.wait, answer["execution"].as_str()) else {
            show(is_json, &answer, || render::erasure(&answer));
            return Ok(0);
        };
        let (_, name) = bonafide_executions::names(execution).unwrap_or_default();
        let machine = self.deployment.workflow("ErasureMachineArn")?;
        let arn = format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1));
        let since = Instant::now();
        loop {
            let described = self.step_functions.describe_execution().execution_arn(&arn).send().await;
            let described = described.map_err(|error| Error::of_execution("describe the erasure", &arn, error))?;
            match described.status {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive if since.elapsed() <= limit => {
                    sleep(self.target.place.poll_interval()).await;
                }
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
                    show(is_json, &answer, || render::erasure(&answer));
                    return Ok(4);
                }
                status => {
                    let output = described.output.and_then(|output| serde_json::from_str(&output).ok());
                    let ended = output.unwrap_or_else(|| json!({"outcome": status.as_str(), "execution": execution}));
                    show(is_json, &ended, || render::erased(id, &ended));
                    return Ok(u8::from(ended["outcome"] != "erased"));
                }
            }
        }
    }

    /// `export`
    ///
    /// # Errors
    /// When the review API does not record it, when AWS refuses or does not answer, or when the file cannot be written.
    pub async fn export(
        &self,
        identity: &Identity,
        id: &ApplicationId,
        output: &Path,
        is_json: bool,
    ) -> Result<u8, Error> {
        if output.exists() {
            return Err(Error::Usage(format!("{} exists: name another file", output.display())));
        }
        // Nothing is read that is not recorded.
        self.review(identity).await?.access(id).await?;
        let export = Export::read(&self.dynamodb, &self.s3, &self.deployment, id).await?;
        export.write(id, output)?;
        let written = json!({"applicationId": id, "output": output, "objects": export.objects()});
        show(is_json, &written, || {
            format!("{}: everything about {id}, with personal data; send it only to the person", output.display())
        });
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

/// Starts the replays of an application: a line for each failed execution, at least one.
async fn start_replays(replayer: &Replayer, id: &ApplicationId, how: How, started: &mut Vec<Started>) -> Vec<Line> {
    let found = replayer.records.application(id).await;
    let found =
        found.and_then(|application| Ok((replay::failed(&application)?, replay::nothing_failed(&application)?)));
    let (failed, nothing) = match found {
        Ok(found) => found,
        Err(error) => return vec![Line::of_error(id, &error)],
    };
    if failed.is_empty() {
        return vec![Line::Planned(Box::new(nothing))];
    }
    let mut lines = Vec::new();
    for failed in failed {
        lines.push(match replayer.replay(&failed, how.is_fresh, how.is_dry_run).await {
            Ok((plan, replay)) => {
                started.extend(replay);
                Line::Planned(Box::new(plan))
            }
            Err(error) => Line::of_error(id, &error),
        });
    }
    lines
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

    /// `review note`
    ///
    /// # Errors
    /// When the review API refuses or does not answer.
    pub async fn review_note(
        &self,
        identity: &Identity,
        case: &CasePath,
        note: &str,
        is_json: bool,
    ) -> Result<u8, Error> {
        let answer = self.review(identity).await?.note(case, note).await?;
        show(is_json, &answer, || "the note is in the case".to_owned());
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
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput;
    use aws_sdk_sfn::types::ExecutionStatus;
    use aws_sdk_sfn::types::error::ExecutionDoesNotExist;
    use aws_smithy_mocks::{Rule, RuleBuilder, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::error::ErrorMetadata;
    use bonafide_domain::{ObjectRef, UploadKind};

    use super::*;
    use crate::review::tests::Desk;
    use crate::row::{Item, s};
    use crate::submission;
    use crate::submission::tests::{FIRST, m};
    use crate::target::Place;

    const WAITING: How = How { is_fresh: false, is_dry_run: false, wait: Some(Duration::from_mins(10)) };
    const NOT_WAITING: How = How { is_fresh: false, is_dry_run: false, wait: None };

    fn session(dynamodb: &[&Rule], step_functions: &[&Rule]) -> Session {
        let config = aws_config::SdkConfig::builder().build();
        let outputs = [
            ("ApplicationsTableName", "applications"),
            ("SubmissionsTableName", "submissions"),
            ("DecisionsTableName", "decisions"),
            ("ReviewApiId", "api"),
        ];
        let none: &[&Rule] = &[];
        let target = Target { config, place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() } };
        Session {
            target,
            deployment: Deployment::of("dev", outputs),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, none),
            // Without retries, so that throttling is reported immediately.
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, dynamodb, |config| {
                config.retry_config(RetryConfig::disabled())
            }),
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, none),
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

    /// A review API that can resume every execution.
    fn redriving() -> Desk {
        Desk::answering(|_, _| (200, json!({"action": "redrive", "why": "it can be resumed where it failed"})))
    }

    async fn replayed(session: &Session, desk: &Desk, ids: &[&str], how: How) -> (u8, Vec<Value>, Vec<String>) {
        let ids: Vec<ApplicationId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let (mut objects, mut texts) = (Vec::new(), Vec::new());
        let code = session
            .replay_each(desk.api(), &ids, how, |_, line| {
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
                let (session, desk) = (session(&[&applications, &submissions], &[]), redriving());

                let (ended, objects, texts) = replayed(&session, &desk, &["a"], WAITING).await;

                assert_eq!(desk.asked(), ["/executions/bonafide-dev-onboarding~a/replay"]);
                assert_eq!((ended, submissions.num_calls()), (code, 3));
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
                let answer =
                    json!({"action": "fresh", "why": "a fresh execution was asked for", "newSubmissionId": awaited});
                // The starter records it a little later.
                let new = records(&awaited, vec![None, Some(record("a", kind, "IN_PROGRESS", None)), Some(last)]);
                let session = session(&[&applications, &old, &new], &[]);
                let desk = Desk::answering(move |_, _| (200, answer.clone()));

                let (ended, objects, _) = replayed(&session, &desk, &["a"], fresh).await;

                assert_eq!((ended, &objects[1]["replay"]), (code, &json!(end)), "{objects:?}");
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
            let session = session(&[&applications, &submissions], &[]);
            let (ended, _, texts) = replayed(&session, &redriving(), &["a"], WAITING).await;
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
        let session = session(&[&applications, &selfie, &document], &[]);
        let (code, _, texts) = replayed(&session, &redriving(), &["a"], WAITING).await;
        let why = "it can be resumed where it failed";
        assert_eq!(code, 0);
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
        let session = session(&[&applications, &submissions], &[]);
        let how = How { wait: Some(Duration::ZERO), ..WAITING };
        let (code, objects, texts) = replayed(&session, &redriving(), &["a"], how).await;
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
        let session = session(&[&applications, &submissions], &[]);
        let (code, objects, _) = replayed(&session, &redriving(), &["a"], WAITING).await;
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
        let lost = [
            rows("e", vec![row("e", UploadKind::Package, "FAILED", Some("1"))]),
            records(&submission("e"), vec![None]),
        ];
        let [a, b, f] = ["a", "b", "f"].map(package);
        let dynamodb: Vec<_> = a.iter().chain(&b).chain([&throttled, &expired]).chain(&lost).chain(&f).collect();
        let session = session(&dynamodb, &[]);
        let desk = Desk::answering(|path, _| match path.rsplit_once('~').map(|(_, name)| name) {
            Some("b/replay") => (500, json!({"code": "INTERNAL_ERROR", "error": "Something is broken."})),
            Some("e/replay") => (200, json!({"action": "impossible", "why": "the application has a newer submission"})),
            _ => (200, json!({"action": "redrive", "why": "it can be resumed where it failed"})),
        });

        let (code, objects, texts) = replayed(&session, &desk, &["a", "b", "c", "d", "e", "f"], WAITING).await;

        assert_eq!(code, 5, "the highest of 5, 5, 3 and 1");
        let ids: Vec<_> = objects.iter().map(|line| line["applicationId"].as_str().unwrap()).collect();
        assert_eq!(ids, ["a", "b", "c", "d", "e", "f", "a", "f"], "each application, then each started replay");
        assert_eq!(objects[4]["action"], "impossible");
        assert!(objects[1]["error"].as_str().unwrap().contains("INTERNAL_ERROR"), "{objects:?}");
        assert!(objects[2]["error"].as_str().unwrap().contains("throttled the request"), "{objects:?}");
        assert!(objects[3]["error"].as_str().unwrap().contains("no application d"), "{objects:?}");
        for line in [1, 2, 3] {
            assert_eq!(texts[line], format!("! {}: {}", ids[line], objects[line]["error"].as_str().unwrap()));
            assert_eq!(objects[line].as_object().unwrap().len(), 2, "a line with an error has no action: {objects:?}");
        }
        assert_eq!((&objects[6]["replay"], &objects[7]["replay"]), (&json!("succeeded"), &json!("succeeded")));
        assert_eq!(replayed(&session, &desk, &["d"], NOT_WAITING).await.0, 3);
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
            let mut session = session(&dynamodb, &[]);
            let desk = Desk::answering(move |_, body| {
                assert_eq!(body, json!({"dryRun": is_dry_run, "fresh": false}));
                (200, json!({"action": "redrive", "why": "it can be resumed where it failed"}))
            });
            session.target.place = Place::Local { endpoint: desk.endpoint.clone() };
            let identity = Identity { reviewer: None, token: Some("token".to_owned()) };

            // In a dry run there is nothing to wait for.
            let how = How { is_dry_run, wait: is_dry_run.then_some(Duration::from_mins(10)), is_fresh: false };
            let code = session.replay(&identity, &[], since, how, true).await.unwrap();

            assert_eq!((code, query.num_calls()), (0, 1));
            let paths = ["a", "b"].map(|id| format!("/executions/bonafide-dev-onboarding~{id}/replay"));
            assert_eq!(desk.asked(), paths);
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
        let session = session(&[&applications, &submissions, &decisions(&["b"])], &[&unknown, &known, &history]);
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
        let session = session(&[&applications, &submissions, &decisions(&["a"])], &[&known, &history()]);

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
        let session = session(&[&rows("a", vec![conversation]), &submissions(Vec::new())], &[]);
        let text = session.shown(&"a".parse().unwrap()).await.unwrap().text;
        assert_eq!(text, "… a: referred: a person has to decide\n  identityExtraction    pass");
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
        let filter = Filter { outcome: Some(OutcomeFilter::Failed), ..Filter::default() };
        let query = mock!(aws_sdk_dynamodb::Client::query)
            .sequence()
            .output(|| QueryOutput::builder().build())
            .error(|| QueryError::generic(throttled()))
            .output(|| QueryOutput::builder().build())
            .repeatedly()
            .build();
        let session = session(&[&query], &[]);
        watch_for(&session, &filter, &query, 3).await;
        // A watch that had at least one successful poll ends without an error.
        assert_eq!(session.watch(&filter, 50, EVERY, Some(Duration::ZERO), true).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn watch_fails_if_no_poll_succeeds() {
        let filter = Filter { outcome: Some(OutcomeFilter::Failed), ..Filter::default() };
        let query = mock!(aws_sdk_dynamodb::Client::query)
            .sequence()
            .error(|| QueryError::generic(throttled()))
            .repeatedly()
            .build();
        let throttled = session(&[&query], &[]);
        watch_for(&throttled, &filter, &query, 2).await;
        let error = throttled.watch(&filter, 50, EVERY, Some(Duration::ZERO), true).await.unwrap_err();
        assert!(error.to_string().contains("throttled the request"), "{error}");
        let denied = mock!(aws_sdk_dynamodb::Client::query)
            .then_error(|| QueryError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        assert!(session(&[&denied], &[]).watch(&filter, 50, EVERY, None, true).await.is_err());
        assert_eq!(denied.num_calls(), 1);
    }
}
