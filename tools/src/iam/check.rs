//! Checks policies against the calls of their roles: no permission may be missing or superfluous.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::policy::{Decision, Grant, Policy};
use super::recording::{Recording, Role};
use super::{Call, Evidence, files};

/// The reasons for each entry of a file, and the file's problems.
#[derive(Debug)]
pub struct Checked {
    /// The statements of the file, with placeholders.
    pub policy: Vec<Statement>,
    /// The problems; empty when the file is sufficient and minimal.
    pub problems: Vec<Problem>,
}

/// A statement and the reasons for its entries.
#[derive(Debug)]
pub struct Statement {
    /// Its name.
    pub sid: String,
    /// In the order of the file.
    pub actions: Vec<Entry>,
    /// In the order of the file.
    pub resources: Vec<Entry>,
    /// The values in conditions.
    pub values: Vec<Entry>,
}

/// An action, a resource, or a value of a condition.
#[derive(Debug)]
pub struct Entry {
    /// The text, with placeholders.
    pub pattern: String,
    /// The calls that would be refused without it.
    pub needed_by: Need,
}

/// The calls that one entry alone allows.
#[derive(Debug, Default)]
pub struct Need {
    /// The number of different requests.
    pub requests: usize,
    /// The kinds of evidence for them.
    pub evidence: BTreeSet<Evidence>,
    /// The documented behaviours of the platform that make them.
    pub platform: BTreeSet<String>,
}

/// A problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// The role makes this call, and the file does not allow it.
    Refused(String),
    /// The local AWS decided differently when the call was made.
    Disputed(String),
    /// An entry that no call needs.
    Superfluous(String),
    /// No deployed role has this policy.
    Unused,
    /// It cannot be evaluated.
    NotUnderstood(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(call) => write!(formatter, "does not allow {call}"),
            Self::Disputed(call) => write!(formatter, "differs from the decision of the local AWS: {call}"),
            Self::Superfluous(entry) => write!(formatter, "allows what no call needed: {entry}"),
            Self::Unused => write!(formatter, "is the policy of no deployed role"),
            Self::NotUnderstood(error) => write!(formatter, "cannot be evaluated: {error}"),
        }
    }
}

/// Checks every file against the recording.
#[must_use]
pub fn check(policies: &BTreeMap<String, Value>, recording: &Recording) -> BTreeMap<String, Checked> {
    let names: BTreeSet<_> = policies.keys().chain(recording.roles.keys()).collect();
    let checked = names.into_iter().map(|name| {
        let with = |problem| Checked { policy: Vec::new(), problems: vec![problem] };
        let checked = match (policies.get(name), recording.roles.get(name)) {
            (Some(file), Some(role)) => check_one(file, role),
            (None, _) => Err(anyhow!("there is no such file")),
            (_, None) => Ok(with(Problem::Unused)),
        };
        (name.clone(), checked.unwrap_or_else(|error| with(Problem::NotUnderstood(format!("{error:#}")))))
    });
    checked.collect()
}

fn check_one(file: &Value, role: &Role) -> Result<Checked> {
    let policy = Policy::parse(&files::fill(file, &role.values)?)?;
    let mut needed: BTreeMap<Part, Need> = BTreeMap::new();
    let mut problems = BTreeSet::new();
    for call in &role.calls {
        let decision = policy.evaluate(&call.request);
        if call.was_allowed.is_some_and(|was_allowed| was_allowed != decision.is_allowed()) {
            problems.insert(Problem::Disputed(describe(call)));
        }
        match decision {
            Decision::Allowed(grants) => {
                for part in alone(&grants) {
                    needed.entry(part).or_default().add(call);
                }
            }
            Decision::ImplicitlyDenied => drop(problems.insert(Problem::Refused(describe(call)))),
            Decision::ExplicitlyDenied(statement) => {
                let sid = &policy.statements[statement].sid;
                problems.insert(Problem::Refused(format!("{} (denied by {sid})", describe(call))));
            }
        }
    }
    let mut statements = Vec::new();
    for (index, statement) in Policy::parse_patterns(file)?.into_iter().enumerate() {
        let mut entries = |patterns: Vec<String>, part: fn(usize, usize) -> Part| -> Vec<Entry> {
            let entry = |(place, pattern): (usize, String)| {
                let needed_by = needed.remove(&part(index, place)).unwrap_or_default();
                if needed_by.requests == 0 {
                    problems.insert(Problem::Superfluous(format!("{pattern} in {}", statement.sid)));
                }
                Entry { pattern, needed_by }
            };
            patterns.into_iter().enumerate().map(entry).collect()
        };
        let actions = entries(statement.actions, Part::Action);
        let resources = entries(statement.resources, Part::Resource);
        let values = listed_values(file, index).into_iter().map(|(path, pattern)| {
            let needed_by = needs_value(file, &path, role)?;
            if needed_by.requests == 0 {
                problems.insert(Problem::Superfluous(format!("{pattern} in {}", statement.sid)));
            }
            Ok(Entry { pattern, needed_by })
        });
        let values = values.collect::<Result<_>>()?;
        statements.push(Statement { sid: statement.sid.clone(), actions, resources, values });
    }
    // An action and a resource may each be needed, but never together.
    for (index, statement) in statements.iter().enumerate() {
        for (action, entry) in statement.actions.iter().enumerate() {
            for (resource, on) in statement.resources.iter().enumerate() {
                let pair = Part::Pair(Grant { statement: index, action, resource });
                let is_each_needed = entry.needed_by.requests > 0 && on.needed_by.requests > 0;
                if is_each_needed && !needed.contains_key(&pair) {
                    let pair = format!("{} on {} in {}", entry.pattern, on.pattern, statement.sid);
                    problems.insert(Problem::Superfluous(pair));
                }
            }
        }
    }
    Ok(Checked { policy: statements, problems: problems.into_iter().collect() })
}

/// The values in conditions of a statement: their JSON pointers, and their names in reports.
fn listed_values(file: &Value, statement: usize) -> Vec<(String, String)> {
    let mut listed = Vec::new();
    for (operator, keys) in file["Statement"][statement]["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            for (place, value) in values.as_array().into_iter().flatten().enumerate() {
                // A JSON pointer escapes the `/` in condition keys of tags.
                let key_in_pointer = key.replace('~', "~0").replace('/', "~1");
                let path = format!("/Statement/{statement}/Condition/{operator}/{key_in_pointer}/{place}");
                listed.push((path, format!("{key} {}", value.as_str().unwrap_or_default())));
            }
        }
    }
    listed
}

/// The calls that would be refused without a value. Its number of uses is not enough, since another value may allow the same calls.
fn needs_value(file: &Value, path: &str, role: &Role) -> Result<Need> {
    let without = Policy::parse(&files::fill(&removed(file, path)?, &role.values)?)?;
    let mut need = Need::default();
    for call in &role.calls {
        if !without.evaluate(&call.request).is_allowed() {
            need.add(call);
        }
    }
    Ok(need)
}

/// The document without the entry of a list.
fn removed(document: &Value, path: &str) -> Result<Value> {
    let (list, place) = path.rsplit_once('/').context("no place in a list")?;
    let mut rest = document.clone();
    let list = rest.pointer_mut(list).and_then(Value::as_array_mut).with_context(|| format!("{path} is in no list"))?;
    list.remove(place.parse()?);
    Ok(rest)
}

/// A removable part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// An entry of this statement, at this index.
    Action(usize, usize),
    /// An entry of this statement, at this index.
    Resource(usize, usize),
    /// This action on this resource.
    Pair(Grant),
}

/// The parts that are common to all grants.
fn alone(grants: &[Grant]) -> Vec<Part> {
    let Some((first, others)) = grants.split_first() else { return Vec::new() };
    let shared = |is_same: fn(&Grant, &Grant) -> bool| others.iter().all(|other| is_same(first, other));
    let Grant { statement, action, resource } = *first;
    let mut parts = Vec::new();
    if shared(|one, other| (one.statement, one.action) == (other.statement, other.action)) {
        parts.push(Part::Action(statement, action));
    }
    if shared(|one, other| (one.statement, one.resource) == (other.statement, other.resource)) {
        parts.push(Part::Resource(statement, resource));
    }
    if others.is_empty() {
        parts.push(Part::Pair(*first));
    }
    parts
}

impl Need {
    fn add(&mut self, call: &Call) {
        self.requests += 1;
        self.evidence.insert(call.evidence);
        self.platform.extend(call.platform.clone());
    }
}

fn describe(call: &Call) -> String {
    let context = if call.request.context.is_empty() {
        String::new()
    } else {
        format!(" with {}", serde_json::to_string(&call.request.context).unwrap_or_default())
    };
    let by = call.platform.as_deref().unwrap_or(call.evidence.name());
    format!("{} on {}{context} ({by})", call.request.action, call.request.resource)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Request, Values};
    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/t";

    fn call(action: &str, resource: &str, was_allowed: bool) -> Call {
        let request = Request { action: action.to_owned(), resource: resource.to_owned(), context: BTreeMap::new() };
        Call { request, evidence: Evidence::Recorded, platform: None, was_allowed: Some(was_allowed) }
    }

    fn file(actions: &[&str], resources: &[&str]) -> Value {
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "UseTable", "Effect": "Allow", "Action": actions, "Resource": resources},
        ]})
    }

    fn problems(file: Value, calls: Vec<Call>) -> Vec<Problem> {
        let values = BTreeMap::from([("TableArn".to_owned(), TABLE.to_owned())]);
        let recording = Recording { roles: BTreeMap::from([("workers/w".to_owned(), Role { values, calls })]) };
        let mut checked = check(&BTreeMap::from([("workers/w".to_owned(), file)]), &recording);
        checked.remove("workers/w").expect("the file").problems
    }

    #[test]
    fn a_file_that_fits_has_no_problems() {
        let calls = vec![call("dynamodb:GetItem", TABLE, true), call("dynamodb:PutItem", TABLE, true)];
        assert_eq!(problems(file(&["dynamodb:GetItem", "dynamodb:PutItem"], &["${TableArn}"]), calls), []);
    }

    #[test]
    fn a_call_that_is_not_allowed_is_a_problem() {
        let calls = vec![call("dynamodb:GetItem", TABLE, true), call("dynamodb:PutItem", TABLE, false)];
        let found = problems(file(&["dynamodb:GetItem"], &["${TableArn}"]), calls);
        assert_eq!(found, [Problem::Refused(format!("dynamodb:PutItem on {TABLE} (recorded)"))]);
    }

    #[test]
    fn a_decision_unlike_that_of_the_local_aws_is_a_problem() {
        let found =
            problems(file(&["dynamodb:GetItem"], &["${TableArn}"]), vec![call("dynamodb:GetItem", TABLE, false)]);
        assert_eq!(found, [Problem::Disputed(format!("dynamodb:GetItem on {TABLE} (recorded)"))]);
    }

    #[test]
    fn what_no_call_needs_is_a_problem() {
        let calls = || vec![call("dynamodb:GetItem", TABLE, true)];
        let superfluous = |what: &str| vec![Problem::Superfluous(format!("{what} in UseTable"))];
        let found = problems(file(&["dynamodb:GetItem", "dynamodb:PutItem"], &["${TableArn}"]), calls());
        assert_eq!(found, superfluous("dynamodb:PutItem"));
        let found = problems(file(&["dynamodb:GetItem"], &["${TableArn}", "${TableArn}/index/*"]), calls());
        assert_eq!(found, superfluous("${TableArn}/index/*"));
        // Both allow the call, so each is superfluous.
        let found = problems(file(&["dynamodb:GetItem"], &["${TableArn}", "${TableArn}*"]), calls());
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_value_that_no_call_has_is_a_problem() {
        let mut file = file(&["dynamodb:GetItem"], &["${TableArn}"]);
        let attributes = |names: &[&str]| json!({"ForAllValues:StringEquals": {"dynamodb:Attributes": names}});
        file["Statement"][0]["Condition"] = attributes(&["id", "status"]);
        let mut call = call("dynamodb:GetItem", TABLE, true);
        let read = Values::Many(vec!["id".to_owned(), "status".to_owned()]);
        call.request.context.insert("dynamodb:Attributes".to_owned(), read);
        assert_eq!(problems(file.clone(), vec![call.clone()]), []);

        file["Statement"][0]["Condition"] = attributes(&["id", "status", "name"]);
        let superfluous = Problem::Superfluous("dynamodb:Attributes name in UseTable".to_owned());
        assert_eq!(problems(file, vec![call]), [superfluous]);
    }

    #[test]
    fn an_action_on_a_resource_that_only_others_are_used_on_is_a_problem() {
        let index = &format!("{TABLE}/index/i");
        let calls = vec![
            call("dynamodb:GetItem", TABLE, true),
            call("dynamodb:Query", TABLE, true),
            call("dynamodb:Query", index, true),
        ];
        let found =
            problems(file(&["dynamodb:GetItem", "dynamodb:Query"], &["${TableArn}", "${TableArn}/index/*"]), calls);
        assert_eq!(found, [Problem::Superfluous("dynamodb:GetItem on ${TableArn}/index/* in UseTable".to_owned())]);
    }

    #[test]
    fn a_policy_that_cannot_be_evaluated_is_a_problem() {
        let not_understood = |found: &[Problem]| matches!(found, [Problem::NotUnderstood(_)]);
        assert!(not_understood(&problems(file(&["dynamodb:GetItem"], &["${Unknown}"]), Vec::new())));
        assert!(not_understood(&problems(json!({"Version": "2012-10-17"}), Vec::new())));
        let nothing = Recording { roles: BTreeMap::new() };
        let policies = BTreeMap::from([("workers/w".to_owned(), file(&["dynamodb:GetItem"], &["*"]))]);
        assert_eq!(check(&policies, &nothing)["workers/w"].problems, [Problem::Unused]);
        let gone = Recording {
            roles: BTreeMap::from([("workers/gone".to_owned(), Role { values: BTreeMap::new(), calls: Vec::new() })]),
        };
        assert!(not_understood(&check(&BTreeMap::new(), &gone)["workers/gone"].problems));
    }
}
