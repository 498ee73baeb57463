//! The output of `cargo xtask policies`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::check::{Checked, Entry, Need};
use super::recording::Recording;
use super::{Evidence, platform};

/// All entries of all files with the reasons for them, as a readable table.
///
/// # Errors
/// Never: writing to memory does not fail.
pub fn table(checked: &BTreeMap<String, Checked>) -> Result<String> {
    let mut text = String::new();
    for (file, Checked { policy, .. }) in checked {
        writeln!(text, "policies/{file}.json")?;
        let statements = policy.iter().map(|statement| {
            let actions = statement.actions.iter().map(|entry| (entry.pattern.clone(), &entry.needed_by));
            let resources = statement.resources.iter().map(|entry| (format!("on {}", entry.pattern), &entry.needed_by));
            let values = statement.values.iter().map(|entry| (format!("if {}", entry.pattern), &entry.needed_by));
            (&statement.sid, actions.chain(resources).chain(values).collect::<Vec<_>>())
        });
        let statements: Vec<_> = statements.collect();
        let lengths = statements.iter().flat_map(|(_, entries)| entries).map(|(entry, _)| entry.len());
        let width = lengths.max().unwrap_or_default();
        for (sid, entries) in &statements {
            writeln!(text, "  {sid}")?;
            for (entry, needed_by) in entries {
                writeln!(text, "    {entry:<width$}  {}", why(needed_by))?;
            }
        }
        writeln!(text)?;
    }
    writeln!(text, "recorded: the local AWS decided about such calls when they were made with the role")?;
    writeln!(text, "history: the histories of executions contain such calls of the machine, or of the rule")?;
    writeln!(text, "all others are calls of the platform that AWS documents:")?;
    for behaviour in platform::CALLS {
        writeln!(text, "  {}: {}", behaviour.name, behaviour.documentation)?;
    }
    writeln!(text)?;
    Ok(text)
}

/// The problems and figures.
///
/// # Errors
/// Never: writing to memory does not fail.
pub fn summary(checked: &BTreeMap<String, Checked>, recording: &Recording) -> Result<String> {
    let mut text = String::new();
    for (file, Checked { problems, .. }) in checked {
        for problem in problems {
            writeln!(text, "policies/{file}.json {problem}")?;
        }
    }
    let statements = || checked.values().flat_map(|checked| &checked.policy);
    let figures = |name: &str, entries: Vec<&Entry>| {
        let needed = entries.iter().filter(|entry| entry.needed_by.requests > 0).count();
        let by: Vec<_> = Evidence::ALL
            .iter()
            .map(|kind| {
                // Counted once, by the strongest evidence.
                let strongest = |entry: &&&Entry| entry.needed_by.evidence.first() == Some(kind);
                format!("{} {}", entries.iter().filter(strongest).count(), kind.name())
            })
            .collect();
        format!("{name} {needed}/{} needed: {}", entries.len(), by.join(", "))
    };
    writeln!(text, "{} roles, {} statements", checked.len(), statements().count())?;
    writeln!(text, "{}", figures("actions", statements().flat_map(|statement| &statement.actions).collect()))?;
    writeln!(text, "{}", figures("resources", statements().flat_map(|statement| &statement.resources).collect()))?;
    let values: Vec<_> = statements().flat_map(|statement| &statement.values).collect();
    if !values.is_empty() {
        writeln!(text, "{}", figures("values of conditions", values))?;
    }
    let calls = || recording.roles.values().flat_map(|role| &role.calls);
    let by: Vec<_> = Evidence::ALL
        .iter()
        .map(|kind| format!("{} {}", calls().filter(|call| call.evidence == *kind).count(), kind.name()))
        .collect();
    writeln!(text, "checked against {} different calls: {}", calls().count(), by.join(", "))?;
    Ok(text)
}

fn why(need: &Need) -> String {
    if need.requests == 0 {
        return "NOT NEEDED".to_owned();
    }
    let evidence = need.evidence.iter().filter(|kind| **kind != Evidence::Documented).map(|kind| kind.name());
    evidence.chain(need.platform.iter().map(String::as_str)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::recording::Role;
    use super::super::{Call, check};
    use super::*;

    #[test]
    fn shows_why_each_entry_is_needed_and_which_is_not() {
        let file = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Notify", "Effect": "Allow", "Action": ["sns:Publish", "sns:Subscribe"], "Resource": ["${TopicArn}"]},
            {"Sid": "TraceHasNoResourceType", "Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": ["*"]},
        ]});
        let values = BTreeMap::from([("TopicArn".to_owned(), "arn:topic".to_owned())]);
        let published = Call::from_history("sns:Publish", "arn:topic");
        let calls = platform::calls(platform::Fact::IsTracedFunction, "*").chain([published]).collect();
        let recording = Recording { roles: BTreeMap::from([("machines/m".to_owned(), Role { values, calls })]) };
        let checked = check::check(&BTreeMap::from([("machines/m".to_owned(), file)]), &recording);

        let table = table(&checked).expect("text");
        for line in [
            "policies/machines/m.json",
            "    sns:Publish               history",
            "    sns:Subscribe             NOT NEEDED",
            "    on ${TopicArn}            history",
            "    xray:PutTelemetryRecords  active tracing of a function",
        ] {
            assert!(table.lines().any(|found| found == line), "{line}\n{table}");
        }
        let expected = "policies/machines/m.json allows what no call needed: sns:Subscribe in Notify
1 roles, 2 statements
actions 3/4 needed: 0 recorded, 1 history, 2 documented
resources 2/2 needed: 0 recorded, 1 history, 1 documented
checked against 3 different calls: 0 recorded, 1 history, 2 documented
";
        assert_eq!(summary(&checked, &recording).expect("text"), expected);
    }
}
