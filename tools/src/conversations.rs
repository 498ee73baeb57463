//! Plays conversations from a script: calls the tools at the gateway, one after the other.
//!
//! There is no model. The script gives the calls of the model with their arguments. The consent comes from the page, which shows its text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_cli::Deployment;
use bonafide_domain::ReasonCode;
use bonafide_domain::nordic::{ConsentText, Person, Tool};
use onboarding_agent::{AnswerBody, MachineResult, State, Upload};
use serde::Deserialize;
use serde_json::json;

use crate::local::Local;
use crate::mcp::Mcp;

/// The text that the page shows to people in conversations, and its language.
pub const CONSENT: [(&str, &str); 2] = [(ConsentText::VERSION, "conversation-2026-03"), (ConsentText::LANGUAGE, "en")];

/// One entry of conversations.json.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// A description.
    pub title: String,
    /// The turns, in their order.
    pub turns: Vec<Turn>,
    /// The expected result of the last turn of each session; so many sessions play the same turns concurrently. A failed one has none.
    pub ends: Vec<Option<MachineResult>>,
}

/// A message of the person, an upload, a call of a tool by the model, or several of these.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Turn {
    /// The person's message.
    pub says: Option<String>,
    /// A picture that the person uploads to the address in the last answer; relative to the script.
    pub uploads: Option<String>,
    /// The tool that the model then calls, or the page for a consent.
    pub calls: Option<Tool>,
    /// Its arguments.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// The expected answer.
    #[serde(default)]
    pub expected: Expected,
}

/// Expected fields of an answer; absent ones are not checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// The state of the answer; absent after a success.
    pub state: Option<State>,
    /// The result of the machine.
    pub result: Option<MachineResult>,
    /// All reason codes.
    pub reasons: Option<Vec<ReasonCode>>,
}

/// A turn that was played.
#[derive(Debug, Clone)]
pub struct Played {
    /// The turn of the script.
    pub turn: Turn,
    /// The tool's answer.
    pub answer: Option<AnswerBody>,
    /// From call to answer, in seconds.
    pub seconds: f64,
    /// The deviation from the script, if any.
    pub problem: Option<String>,
}

/// A session that has ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its turns.
    pub turns: Vec<Played>,
    /// What the table has of the person after the last turn.
    pub entry: Entry,
}

/// An entry of the table of conversations; empty if there is none.
pub type Entry = HashMap<String, AttributeValue>;

impl Session {
    /// The key of its row, once the person has consented.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.entry.get("applicationId")?.as_s().ok().map(String::as_str)
    }

    /// The last turn's result.
    #[must_use]
    pub fn end(&self) -> Option<MachineResult> {
        self.turns.last()?.answer.as_ref()?.result
    }

    /// The last turn's reasons.
    #[must_use]
    pub fn reasons(&self) -> &[ReasonCode] {
        self.turns.last().and_then(|turn| turn.answer.as_ref()).map(|body| &*body.reasons).unwrap_or_default()
    }

    /// The duration of all calls.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.turns.iter().map(|turn| turn.seconds).sum()
    }
}

/// Reads a script.
///
/// # Errors
/// When it is missing or not understood.
pub fn read(script: &Path) -> Result<Vec<Conversation>> {
    let text = fs::read(script).with_context(|| format!("{} cannot be read", script.display()))?;
    let conversations: Vec<Conversation> =
        serde_json::from_slice(&text).with_context(|| format!("{} is not understood", script.display()))?;
    let mut ids = BTreeSet::new();
    for conversation in &conversations {
        if !ids.insert(&conversation.id) {
            bail!("{}: {} is there twice", script.display(), conversation.id);
        }
        if conversation.turns.is_empty() || conversation.ends.is_empty() {
            bail!("{}: {} has no turns or no end", script.display(), conversation.id);
        }
    }
    Ok(conversations)
}

/// Plays one conversation, with all its sessions concurrently.
///
/// # Errors
/// When a tool does not answer, or an upload is refused.
pub async fn play(local: &Local, conversation: &Conversation, folder: &Path) -> Result<Vec<Session>> {
    let deployment = local.deployment().await?;
    // A person has one session in a day, and a script may be played again.
    let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut sessions = Vec::new();
    for number in 0..conversation.ends.len() {
        let id = format!("{}-{number}-{run}", conversation.id);
        let (gateway, folder) = (Mcp::of(local, &deployment, &id)?, folder.to_owned());
        let (subject, turns) = (id.clone(), conversation.turns.clone());
        // The calls block.
        sessions.push((subject, tokio::task::spawn_blocking(move || session(&gateway, &id, turns, &folder))));
    }
    let mut played = Vec::new();
    for (subject, session) in sessions {
        let turns = session.await.context("a session panicked")??;
        played.push(Session { turns, entry: entry(local, &deployment, &subject).await? });
    }
    Ok(played)
}

/// All deviations from the script.
#[must_use]
pub fn problems(conversation: &Conversation, sessions: &[Session]) -> Vec<String> {
    let mut problems: Vec<_> = sessions
        .iter()
        .flat_map(|session| &session.turns)
        .filter_map(|played| Some(format!("{}: {}", conversation.id, played.problem.as_ref()?)))
        .collect();
    // The script does not define which of several sessions comes first.
    let sorted = |mut ends: Vec<String>| {
        ends.sort();
        ends
    };
    let ends = sorted(sessions.iter().map(|session| format!("{:?}", session.end())).collect());
    let expected = sorted(conversation.ends.iter().map(|end| format!("{end:?}")).collect());
    if ends != expected {
        problems.push(format!("{}: it ended as {ends:?} and not as {expected:?}", conversation.id));
    }
    problems
}

/// What the table has of a person whom the local issuer knows as this subject.
///
/// # Errors
/// When the table does not answer.
pub async fn entry(local: &Local, deployment: &Deployment, subject: &str) -> Result<Entry> {
    let person = Person::of(local.control.issuer(), subject).context("no person")?;
    let get = local.dynamodb.get_item().table_name(deployment.data("ConversationsTableName")?);
    let get = get.key("person", AttributeValue::S(person.to_string())).consistent_read(true);
    Ok(get.send().await?.item.unwrap_or_default())
}

/// Plays the turns of one session.
///
/// # Errors
/// When a tool does not answer, or an upload is refused.
pub fn session(gateway: &Mcp, id: &str, turns: Vec<Turn>, folder: &Path) -> Result<Vec<Played>> {
    let mut upload: Option<Upload> = None;
    let mut played = Vec::new();
    for turn in turns {
        if let Some(file) = &turn.uploads {
            let upload =
                upload.as_ref().with_context(|| format!("{id} has no address to which {file} can be uploaded"))?;
            put(upload, &folder.join(file))?;
        }
        let Some(tool) = turn.calls else {
            played.push(Played { turn, answer: None, seconds: 0.0, problem: None });
            continue;
        };
        let headers = if tool == Tool::GiveConsent { &CONSENT[..] } else { &[] };
        let started = Instant::now();
        let text = gateway.call(tool, &json!(turn.with), headers)?;
        let seconds = started.elapsed().as_secs_f64();
        let body: AnswerBody =
            serde_json::from_str(&text).with_context(|| format!("{id}: the answer is not understood"))?;
        if body.upload.is_some() {
            upload.clone_from(&body.upload);
        }
        let problem = turn.expected.problem(tool, &body);
        played.push(Played { turn, answer: Some(body), seconds, problem });
    }
    Ok(played)
}

impl Expected {
    fn problem(&self, tool: Tool, body: &AnswerBody) -> Option<String> {
        let tool = tool.name();
        if body.state != self.state {
            return Some(format!("{tool} answered with the state {:?} and not {:?}", body.state, self.state));
        }
        if let Some(result) = self.result.filter(|result| body.result != Some(*result)) {
            return Some(format!("{tool} gave the result {:?} and not {result:?}", body.result));
        }
        let reasons = self.reasons.as_ref().filter(|reasons| **reasons != body.reasons)?;
        Some(format!("{tool} gave the reasons {:?} and not {reasons:?}", body.reasons))
    }
}

/// Uploads with the address only, as a browser does.
fn put(upload: &Upload, file: &Path) -> Result<()> {
    let picture = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let request = ureq::put(&upload.url).header("Content-Type", &upload.content_type);
    request.send(&picture[..]).with_context(|| format!("{} was not taken", file.display()))?;
    Ok(())
}

/// The conversation as readable text.
#[must_use]
pub fn dialogue(session: &Session) -> String {
    let mut lines = Vec::new();
    for Played { turn, answer, seconds, .. } in &session.turns {
        if let Some(says) = &turn.says {
            lines.push(format!("  Person    {says}"));
        }
        if let Some(file) = &turn.uploads {
            lines.push(format!("            ⇡ {file}"));
        }
        let (Some(tool), Some(body)) = (turn.calls, answer) else { continue };
        let given: Vec<_> = turn.with.iter().map(|(name, value)| format!("{name}={value}")).collect();
        lines.push(format!("            → {}({})  {seconds:.1} s", tool.name(), given.join(", ")));
        let state = body.state.map(|state| format!("{state:?}: ").to_uppercase()).unwrap_or_default();
        lines.push(format!("  Tool      {state}{}", body.message));
        let mut facts = Vec::new();
        facts.extend(body.result.map(|result| format!("result {}", word(result))));
        facts.extend((!body.reasons.is_empty()).then(|| {
            let codes: Vec<_> = body.reasons.iter().map(|reason| reason.code()).collect();
            format!("reasons {}", codes.join(" "))
        }));
        facts.extend(body.customer_id.as_ref().map(|id| format!("customer {id}")));
        if !facts.is_empty() {
            lines.push(format!("            {}", facts.join(" · ")));
        }
    }
    lines.join("\n")
}

/// The result's name in JSON.
#[must_use]
pub fn word(result: MachineResult) -> String {
    serde_json::to_value(result).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}
