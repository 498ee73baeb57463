//! Plays conversations from a script: sends the events of Amazon Bedrock to the real function, one after the other.
//!
//! There is no model. The script gives the function calls of the model with their parameters, and the session attributes are passed from
//! one event to the next as Bedrock does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bonafide_domain::{Personal, ReasonCode};
use onboarding_agent::bedrock::{Agent, Attributes, MESSAGE_VERSION, Parameter, ResponseState};
use onboarding_agent::{ACTION_GROUP, Answer, AnswerBody, Event, Function, MachineResult, Upload};
use serde::Deserialize;

use crate::local::{Local, STAGE};

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

/// A message of the person, an upload, a function call of the model, or several of these.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Turn {
    /// The person's message.
    pub says: Option<String>,
    /// A picture that the person uploads to the address in the last answer; relative to the script.
    pub uploads: Option<String>,
    /// The function that the model then calls.
    pub calls: Option<Function>,
    /// Its parameters.
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
    /// The response state; absent after a success.
    pub state: Option<ResponseState>,
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
    /// The function's answer and its response state.
    pub answer: Option<(AnswerBody, Option<ResponseState>)>,
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
    /// The session attributes after the last turn.
    pub attributes: Attributes,
}

impl Session {
    /// The key of its row, once the person has consented.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.attributes.get("sessionId").map(String::as_str)
    }

    /// The last turn's result.
    #[must_use]
    pub fn end(&self) -> Option<MachineResult> {
        self.turns.last()?.answer.as_ref()?.0.result
    }

    /// The last turn's reasons.
    #[must_use]
    pub fn reasons(&self) -> &[ReasonCode] {
        self.turns.last().and_then(|turn| turn.answer.as_ref()).map(|(body, _)| &*body.reasons).unwrap_or_default()
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
/// When a function's answer is invalid for Bedrock, or an upload is refused.
pub async fn play(local: &Local, conversation: &Conversation, folder: &Path) -> Result<Vec<Session>> {
    let mut sessions = Vec::new();
    for number in 0..conversation.ends.len() {
        let (local, folder) = (local.clone(), folder.to_owned());
        let (id, turns) = (format!("{}-{number}", conversation.id), conversation.turns.clone());
        // The calls block.
        sessions.push(tokio::task::spawn_blocking(move || session(&local, &id, turns, &folder)));
    }
    let mut played = Vec::new();
    for session in sessions {
        played.push(session.await.context("a session panicked")??);
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

fn session(local: &Local, id: &str, turns: Vec<Turn>, folder: &Path) -> Result<Session> {
    let mut attributes = Attributes::new();
    let mut upload: Option<Upload> = None;
    let mut played = Vec::new();
    for turn in turns {
        if let Some(file) = &turn.uploads {
            let upload =
                upload.as_ref().with_context(|| format!("{id} has no address to which {file} can be uploaded"))?;
            put(upload, &folder.join(file))?;
        }
        let Some(function) = turn.calls else {
            played.push(Played { turn, answer: None, seconds: 0.0, problem: None });
            continue;
        };
        let event = Event {
            message_version: MESSAGE_VERSION.to_owned(),
            agent: Agent {
                name: "onboarding".to_owned(),
                id: "LOCALAGENT".to_owned(),
                alias: "LOCALALIAS".to_owned(),
                version: "1".to_owned(),
            },
            session_id: id.to_owned(),
            input_text: Personal::new(turn.says.as_deref().unwrap_or_default()),
            action_group: ACTION_GROUP.to_owned(),
            function: function.name().to_owned(),
            parameters: turn
                .with
                .iter()
                .map(|(name, value)| Parameter {
                    name: name.clone(),
                    kind: "string".to_owned(),
                    value: Personal::new(value),
                })
                .collect(),
            session_attributes: attributes,
            prompt_session_attributes: Attributes::new(),
        };
        let started = std::time::Instant::now();
        let answer = local.invoke(&format!("bonafide-{STAGE}-onboarding-agent"), &serde_json::to_value(&event)?)?;
        let seconds = started.elapsed().as_secs_f64();
        let answer: Answer = serde_json::from_value(answer).with_context(|| format!("{id}: no answer for an agent"))?;
        let body = answer.body().with_context(|| format!("{id}: the answer's body is not understood"))?;
        let state = answer.response.function_response.response_state;
        attributes = answer.session_attributes;
        if body.upload.is_some() {
            upload.clone_from(&body.upload);
        }
        let problem = turn.expected.problem(function, &body, state);
        played.push(Played { turn, answer: Some((body, state)), seconds, problem });
    }
    Ok(Session { turns: played, attributes })
}

impl Expected {
    fn problem(&self, function: Function, body: &AnswerBody, state: Option<ResponseState>) -> Option<String> {
        let function = function.name();
        if state != self.state {
            return Some(format!("{function} answered with the state {state:?} and not {:?}", self.state));
        }
        if let Some(result) = self.result.filter(|result| body.result != Some(*result)) {
            return Some(format!("{function} gave the result {:?} and not {result:?}", body.result));
        }
        let reasons = self.reasons.as_ref().filter(|reasons| **reasons != body.reasons)?;
        Some(format!("{function} gave the reasons {:?} and not {reasons:?}", body.reasons))
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
        let (Some(function), Some((body, state))) = (turn.calls, answer) else { continue };
        let given: Vec<_> = turn.with.iter().map(|(name, value)| format!("{name}={value}")).collect();
        lines.push(format!("            → {}({})  {seconds:.1} s", function.name(), given.join(", ")));
        let state = state.map(|state| format!("{state:?}: ").to_uppercase()).unwrap_or_default();
        lines.push(format!("  Function  {state}{}", body.message));
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
