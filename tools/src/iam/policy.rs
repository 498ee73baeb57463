//! Identity policies, evaluated as by IAM: an explicit Deny overrides an Allow, and the default is to deny.
//!
//! Only the elements that these policies use are supported, and all others are errors: an ignored operator would make a policy look wider
//! or narrower than it is. Follows AWS's
//! [evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html) and the references of
//! [elements](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html) and
//! [operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{Request, Values, strings};

/// The statements of a document.
#[derive(Debug, Clone)]
pub struct Policy {
    /// In the order of the document.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its name.
    pub sid: String,
    is_allow: bool,
    /// Patterns of actions.
    pub actions: Vec<String>,
    /// Patterns of ARNs.
    pub resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// The patterns of a statement.
#[derive(Debug, Clone)]
pub struct Patterns {
    /// Its name.
    pub sid: String,
    /// Patterns of actions.
    pub actions: Vec<String>,
    /// Patterns of ARNs.
    pub resources: Vec<String>,
}

#[derive(Debug, Clone)]
struct Condition {
    set: Option<Set>,
    test: Test,
    /// Whether it is also true for a request without the key.
    if_exists: bool,
    /// Condition keys are compared without regard to case.
    key: String,
    values: Vec<String>,
}

/// Which of a key's values have to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// Every one; also true for a request without the key.
    ForAllValues,
    ForAnyValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    StringEquals,
    StringNotEquals,
    /// `ArnEquals` and `ArnLike` are identical according to AWS, and compare like `StringLike` except for colons.
    Like,
    Bool,
    Null,
}

/// The place of a matching Allow: statement, action and resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Place of the statement in the document.
    pub statement: usize,
    /// Place of the pattern in the statement's actions.
    pub action: usize,
    /// Place of the pattern in the statement's resources.
    pub resource: usize,
}

/// The decision of IAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Each of these grants allows it.
    Allowed(Vec<Grant>),
    /// No statement allows it.
    ImplicitlyDenied,
    /// This statement denies it, regardless of others.
    ExplicitlyDenied(usize),
}

impl Decision {
    /// Whether the request is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

impl Policy {
    /// Reads a document without placeholders.
    ///
    /// # Errors
    /// When the document uses an unsupported element; the message names the statement.
    pub fn parse(document: &Value) -> Result<Self> {
        ensure!(document["Version"] == "2012-10-17", "the policy's Version is not 2012-10-17");
        let statements = document["Statement"].as_array().context("the policy has no list of statements")?;
        let parsed = statements.iter().enumerate().map(|(index, statement)| {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            Statement::parse(statement).with_context(|| format!("statement {index} ({sid})"))
        });
        Ok(Self { statements: parsed.collect::<Result<_>>()? })
    }

    /// Names, actions and resources of the statements of a file, placeholders included.
    ///
    /// # Errors
    /// When it is not a policy.
    pub fn parse_patterns(file: &Value) -> Result<Vec<Patterns>> {
        let statements = file["Statement"].as_array().context("the policy has no list of statements")?;
        let patterns = statements.iter().map(|statement| {
            let list = |name: &str| strings(&statement[name]).with_context(|| format!("{name} is no list of strings"));
            let sid = statement["Sid"].as_str().unwrap_or_default().to_owned();
            Ok(Patterns { sid, actions: list("Action")?, resources: list("Resource")? })
        });
        patterns.collect()
    }

    /// The decision about a request of a role with this policy only.
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Decision {
        let mut grants = Vec::new();
        for (statement, rules) in self.statements.iter().enumerate() {
            if !rules.conditions.iter().all(|condition| condition.is_met(request)) {
                continue;
            }
            for (action, pattern) in rules.actions.iter().enumerate() {
                // Actions are compared without regard to case.
                if !matches(&pattern.to_lowercase(), &request.action.to_lowercase()) {
                    continue;
                }
                let fitting =
                    rules.resources.iter().enumerate().filter(|(_, pattern)| matches_arn(pattern, &request.resource));
                for (resource, _) in fitting {
                    if !rules.is_allow {
                        return Decision::ExplicitlyDenied(statement);
                    }
                    grants.push(Grant { statement, action, resource });
                }
            }
        }
        // A Deny may follow an Allow, so all statements have to be read first.
        if grants.is_empty() { Decision::ImplicitlyDenied } else { Decision::Allowed(grants) }
    }
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self> {
        let fields = statement.as_object().context("it is not an object")?;
        for name in fields.keys() {
            ensure!(
                matches!(name.as_str(), "Sid" | "Effect" | "Action" | "Resource" | "Condition"),
                "{name} is not understood"
            );
        }
        let list = |name: &str| strings(&statement[name]).with_context(|| format!("{name} is no list of strings"));
        let (actions, resources) = (list("Action")?, list("Resource")?);
        ensure!(
            !resources.iter().any(|resource| resource.contains("${")),
            "a resource has a placeholder or a policy variable, which is not understood"
        );
        let is_allow = match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => bail!("its Effect is neither Allow nor Deny"),
        };
        let mut conditions = Vec::new();
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().with_context(|| format!("{operator} has no keys"))? {
                let values = match values {
                    Value::Bool(truth) => vec![truth.to_string()],
                    values => strings(values).with_context(|| format!("{operator} of {key} has no strings"))?,
                };
                conditions.push(Condition::parse(operator, key, values)?);
            }
        }
        let sid = statement["Sid"].as_str().unwrap_or_default().to_owned();
        Ok(Self { sid, is_allow, actions, resources, conditions })
    }
}

impl Condition {
    fn parse(operator: &str, key: &str, values: Vec<String>) -> Result<Self> {
        ensure!(!values.iter().any(|value| value.contains("${")), "a policy variable in {key} is not understood");
        let (set, rest) = match operator.split_once(':') {
            None => (None, operator),
            Some(("ForAllValues", rest)) => (Some(Set::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::ForAnyValue), rest),
            Some(_) => bail!("{operator} is not understood"),
        };
        let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
        let test = match name {
            "StringEquals" => Test::StringEquals,
            "StringNotEquals" => Test::StringNotEquals,
            "StringLike" | "ArnLike" | "ArnEquals" => Test::Like,
            "Bool" => Test::Bool,
            "Null" if set.is_none() && !if_exists => Test::Null,
            _ => bail!("{operator} is not understood"),
        };
        Ok(Self { set, test, if_exists, key: key.to_lowercase(), values })
    }

    fn is_met(&self, request: &Request) -> bool {
        let found = request.context.iter().find(|(key, _)| key.to_lowercase() == self.key).map(|(_, values)| values);
        if self.test == Test::Null {
            return self.values.iter().any(|value| value.eq_ignore_ascii_case(&found.is_none().to_string()));
        }
        let Some(found) = found else {
            return self.if_exists
                || self.set == Some(Set::ForAllValues)
                || (self.set.is_none() && self.test == Test::StringNotEquals);
        };
        let values = match found {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        };
        match self.set {
            Some(Set::ForAllValues) => values.iter().all(|value| self.accepts(value)),
            // On AWS a key with several values needs a set operator; without one, each value has to match.
            None => !values.is_empty() && values.iter().all(|value| self.accepts(value)),
            Some(Set::ForAnyValue) => values.iter().any(|value| self.accepts(value)),
        }
    }

    fn accepts(&self, value: &str) -> bool {
        let mut expected = self.values.iter();
        match self.test {
            Test::StringEquals => expected.any(|wanted| wanted == value),
            Test::StringNotEquals => expected.all(|unwanted| unwanted != value),
            Test::Like => expected.any(|pattern| matches(pattern, value)),
            Test::Bool => expected.any(|wanted| wanted.eq_ignore_ascii_case(value)),
            Test::Null => false,
        }
    }
}

/// Compares ARNs: a `*` matches within its segment, and across colons if it is the segment's last character.
fn matches_arn(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let segments: Vec<_> = pattern.split(':').collect();
    // The service is never matched by a pattern.
    segments.get(2).is_none_or(|service| !service.contains(['*', '?'])) && matches(pattern, arn) && {
        let inner = segments.iter().any(|segment| segment.trim_end_matches('*').contains('*'));
        // With a `*` inside a segment, the segments are compared one by one.
        !inner || {
            let parts: Vec<_> = arn.split(':').collect();
            parts.len() == segments.len() && segments.iter().zip(parts).all(|(pattern, part)| matches(pattern, part))
        }
    }
}

/// `*` matches any text, `?` any single character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // The last `*`, and the length of the text that it has matched.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[from] => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, from) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn request(action: &str, resource: &str, context: &[(&str, &[&str])]) -> Request {
        let values = |values: &[&str]| match values {
            [one] => Values::One((*one).to_owned()),
            many => Values::Many(many.iter().map(|value| (*value).to_owned()).collect()),
        };
        let context: BTreeMap<_, _> = context.iter().map(|(key, found)| ((*key).to_owned(), values(found))).collect();
        Request { action: action.to_owned(), resource: resource.to_owned(), context }
    }

    fn policy(statements: &Value) -> Policy {
        Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements})).expect("a policy")
    }

    /// Effect, actions, resources of a policy, and whether a request passes.
    #[track_caller]
    fn decides(statements: &[(&str, &str, &str)], action: &str, resource: &str, expected: bool) {
        let statements: Value = statements
            .iter()
            .map(|(effect, action, resource)| json!({"Effect": effect, "Action": [action], "Resource": [resource]}))
            .collect();
        let found = policy(&statements).evaluate(&request(action, resource, &[])).is_allowed();
        assert_eq!(found, expected, "{statements} for {action} on {resource}");
    }

    #[test]
    fn a_deny_overrides_an_allow_and_the_default_is_deny() {
        let bucket = "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*";
        let object = "arn:aws:s3:::DOC-EXAMPLE-BUCKET/a/b";
        decides(&[("Allow", "s3:GetObject", bucket)], "s3:GetObject", object, true);
        decides(&[("Allow", "s3:GetObject", bucket)], "s3:PutObject", object, false);
        decides(&[("Allow", "s3:GetObject", bucket)], "s3:GetObject", "arn:aws:s3:::other/a", false);
        decides(&[("Allow", "*", "*"), ("Deny", "s3:*", bucket)], "s3:GetObject", object, false);
        decides(&[("Deny", "s3:*", bucket), ("Allow", "*", "*")], "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q", true);
        decides(&[], "s3:GetObject", object, false);
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
    #[test]
    fn actions_match_wildcards_and_ignore_case() {
        for (pattern, action, expected) in [
            ("sqs:SendMessage", "sqs:SendMessage", true),
            ("iam:ListAccessKeys", "IAM:listaccesskeys", true),
            ("iam:*AccessKey*", "iam:DeleteAccessKey", true),
            ("iam:*AccessKey*", "iam:ListAccessKeys", true),
            ("iam:*AccessKey*", "iam:DeleteUser", false),
            ("s3:Get*", "s3:GetObjectVersion", true),
            ("s3:GetObject", "s3:GetObjectVersion", false),
            ("states:SendTask?uccess", "states:SendTaskSuccess", true),
            ("*", "states:SendTaskSuccess", true),
        ] {
            decides(&[("Allow", pattern, "*")], action, "arn:aws:x:us-east-1:123456789012:y", expected);
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
    #[test]
    fn resources_are_compared_as_aws_describes() {
        for (pattern, resource, expected) in [
            ("arn:aws:sqs:us-east-2:123456789012:queue1", "arn:aws:sqs:us-east-2:123456789012:queue1", true),
            ("arn:aws:sqs:us-east-2:123456789012:queue1", "arn:aws:sqs:us-east-2:123456789012:Queue1", false),
            ("arn:aws:iam::123456789012:user/accounting/*", "arn:aws:iam::123456789012:user/accounting/jane", true),
            ("arn:aws:iam::123456789012:user/accounting/*", "arn:aws:iam::123456789012:user/sales/jane", false),
            ("arn:aws:s3:::DOC-EXAMPLE-BUCKET/*/test/*", "arn:aws:s3:::DOC-EXAMPLE-BUCKET/1/test/object.jpg", true),
            ("arn:aws:s3:::DOC-EXAMPLE-BUCKET/*/test/*", "arn:aws:s3:::DOC-EXAMPLE-BUCKET/1/2/test/3/object.jpg", true),
            ("arn:aws:s3:::DOC-EXAMPLE-BUCKET/*/test/*", "arn:aws:s3:::DOC-EXAMPLE-BUCKET/1-test/object.jpg", false),
            ("arn:aws:s3:::amzn-s3-demo-bucket?/a", "arn:aws:s3:::amzn-s3-demo-bucket1/a", true),
            ("arn:aws:s3:::amzn-s3-demo-bucket?/a", "arn:aws:s3:::amzn-s3-demo-bucket12/a", false),
            // As a segment's last character, a star matches across colons…
            (
                "arn:aws:lambda:us-east-1:123456789012:function:f:*",
                "arn:aws:lambda:us-east-1:123456789012:function:f:7",
                true,
            ),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:f:*",
                "arn:aws:lambda:us-east-1:123456789012:function:f",
                false,
            ),
            ("arn:aws:logs:us-east-1:1:log-group:/g:*", "arn:aws:logs:us-east-1:1:log-group:/g:log-stream:s", true),
            ("arn:aws:states:us-east-1:1:execution:m:*", "arn:aws:states:us-east-1:1:execution:m:e", true),
            // …elsewhere it does not, and the service must be literal.
            ("arn:aws:x:us-east-1:1:a*z", "arn:aws:x:us-east-1:1:a:z", false),
            ("arn:aws:*:us-east-1:1:queue1", "arn:aws:sqs:us-east-1:1:queue1", false),
            // A request without a resource is allowed by a star only.
            ("*", "*", true),
            ("arn:aws:rekognition:us-east-1:1:collection/*", "*", false),
        ] {
            decides(&[("Allow", "a:B", pattern)], "a:B", resource, expected);
        }
    }

    #[test]
    fn conditions_are_met_as_aws_describes() {
        type Row<'row> = (&'row str, &'row str, &'row [&'row str], &'row [(&'row str, &'row [&'row str])], bool);
        let attributes = "dynamodb:Attributes";
        let rows: [Row<'_>; 26] = [
            ("StringEquals", "s3:x", &["a", "b"], &[("s3:x", &["b"])], true),
            ("StringEquals", "s3:x", &["a"], &[("S3:X", &["a"])], true),
            ("StringEquals", "s3:x", &["a"], &[("s3:x", &["A"])], false),
            ("StringEquals", "s3:x", &["a"], &[], false),
            ("StringEqualsIfExists", "s3:x", &["a"], &[], true),
            ("StringEqualsIfExists", "s3:x", &["a"], &[("s3:x", &["b"])], false),
            ("StringNotEquals", "s3:x", &["a", "b"], &[("s3:x", &["b"])], false),
            ("StringNotEquals", "s3:x", &["a"], &[("s3:x", &["b"])], true),
            ("StringNotEquals", "s3:x", &["a"], &[], true),
            ("StringLike", "s3:prefix", &["home/*"], &[("s3:prefix", &["home/jane/"])], true),
            ("StringLike", "s3:prefix", &["home/*"], &[("s3:prefix", &["other/"])], false),
            ("ArnLike", "aws:SourceArn", &["arn:aws:s3:::b*"], &[("aws:SourceArn", &["arn:aws:s3:::bucket"])], true),
            ("ArnEquals", "aws:SourceArn", &["arn:aws:s3:::b"], &[("aws:SourceArn", &["arn:aws:s3:::c"])], false),
            ("Bool", "aws:SecureTransport", &["false"], &[("aws:SecureTransport", &["true"])], false),
            ("Bool", "aws:SecureTransport", &["true"], &[("aws:SecureTransport", &["true"])], true),
            ("Null", "s3:x", &["true"], &[], true),
            ("Null", "s3:x", &["false"], &[], false),
            ("Null", "s3:x", &["false"], &[("s3:x", &["a"])], true),
            ("ForAllValues:StringEquals", attributes, &["a", "b"], &[(attributes, &["b", "a"])], true),
            ("ForAllValues:StringEquals", attributes, &["a", "b"], &[(attributes, &["a", "c"])], false),
            ("ForAllValues:StringEquals", attributes, &["a", "b"], &[], true),
            ("ForAllValues:StringLike", attributes, &["a*"], &[(attributes, &["ab", "ac"])], true),
            ("ForAnyValue:StringEquals", attributes, &["a"], &[(attributes, &["c", "a"])], true),
            ("ForAnyValue:StringEquals", attributes, &["a"], &[(attributes, &["c", "d"])], false),
            ("ForAnyValue:StringEquals", attributes, &["a"], &[], false),
            ("ForAllValues:StringEquals", attributes, &["a"], &[(attributes, &["a"])], true),
        ];
        for (operator, key, values, context, expected) in rows {
            let statement =
                json!({"Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": {operator: {key: values}}});
            let found = policy(&json!([statement])).evaluate(&request("a:B", "*", context)).is_allowed();
            assert_eq!(found, expected, "{operator} {key} {values:?} for {context:?}");
        }
    }

    #[test]
    fn every_condition_has_to_be_met() {
        let condition = json!({"StringEquals": {"a:x": "1", "a:y": "1"}, "Bool": {"a:z": true}});
        let both = policy(&json!([{"Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": condition}]));
        let met: &[(&str, &[&str])] = &[("a:x", &["1"]), ("a:y", &["1"]), ("a:z", &["true"])];
        assert!(both.evaluate(&request("a:B", "*", met)).is_allowed());
        assert!(!both.evaluate(&request("a:B", "*", &met[1..])).is_allowed());
        assert!(!both.evaluate(&request("a:B", "*", &met[..2])).is_allowed());
    }

    #[test]
    fn names_the_statement_that_allows() {
        let grants = policy(&json!([
            {"Effect": "Allow", "Action": ["a:A", "a:B"], "Resource": ["arn:aws:x:::one", "arn:aws:x:::two"]},
            {"Effect": "Allow", "Action": ["a:B"], "Resource": ["*"]},
        ]))
        .evaluate(&request("a:B", "arn:aws:x:::two", &[]));
        let grant = |statement, action, resource| Grant { statement, action, resource };
        assert_eq!(grants, Decision::Allowed(vec![grant(0, 1, 1), grant(1, 0, 0)]));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let good = json!({"Sid": "S", "Effect": "Allow", "Action": ["a:B"], "Resource": ["*"]});
        for (field, value) in [
            ("NotAction", json!(["a:B"])),
            ("Principal", json!("*")),
            ("Effect", json!("Perhaps")),
            ("Action", json!(7)),
            ("Resource", json!(["arn:aws:s3:::${aws:username}"])),
            ("Condition", json!({"NumericEquals": {"a:x": "1"}})),
            ("Condition", json!({"StringEquals": {"a:x": "${aws:username}"}})),
            ("Condition", json!({"ForSomeValues:StringEquals": {"a:x": "1"}})),
        ] {
            let mut statement = good.clone();
            statement[field] = value;
            let document = json!({"Version": "2012-10-17", "Statement": [statement]});
            let error = Policy::parse(&document).expect_err(field);
            assert!(format!("{error:#}").starts_with("statement 0 (S): "), "{error:#}");
        }
    }
}
