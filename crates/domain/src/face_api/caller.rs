//! The caller of a request, as API Gateway identifies it.

use std::str::FromStr;

/// The scope that allows the bearer of a token to read the person behind a face.
const READ_PERSON: &str = "faces/read-person";

/// A client, and whether it may read the person behind a face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    client: String,
    reads_person: bool,
}

impl Caller {
    /// A caller that IAM has authorized. `user_arn` is the ARN of the session, whose last part changes with every session.
    #[must_use]
    pub fn of_iam(user_arn: &str, readers: &PersonReaders) -> Self {
        let client = principal(user_arn);
        let reads_person = readers.0.contains(&client);
        Self { client, reads_person }
    }

    /// The bearer of a token that the authorizer has checked: `sub` or the client id, and the scopes separated by spaces.
    #[must_use]
    pub fn of_token(subject: &str, scopes: &str) -> Self {
        let reads_person = scopes.split(' ').any(|scope| scope == READ_PERSON);
        Self { client: format!("token:{subject}"), reads_person }
    }

    /// A caller without credentials: all of them share one client, which may not read persons.
    #[must_use]
    pub fn unknown() -> Self {
        Self { client: "unknown".to_owned(), reads_person: false }
    }

    /// The client, the same in all its sessions.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Whether the caller may read the person behind a face.
    #[must_use]
    pub const fn reads_person(&self) -> bool {
        self.reads_person
    }

    #[cfg(test)]
    pub(crate) fn for_tests(client: &str) -> Self {
        Self { client: client.to_owned(), reads_person: false }
    }
}

/// The roles and users that may read the person behind a face: their ARNs, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonReaders(Vec<String>);

impl FromStr for PersonReaders {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split(',').map(str::trim).filter(|arn| !arn.is_empty()).map(principal).collect()))
    }
}

/// The role behind a session, or the user: `arn:aws:sts::1:assumed-role/name/session` and `arn:aws:iam::1:role/path/name` are both
/// `arn:aws:iam::1:role/name`, since the ARN of a session has no path.
fn principal(arn: &str) -> String {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [_, partition, service, _, account, resource] = parts[..] else { return arn.to_owned() };
    let role = match (service, resource.split_once('/')) {
        ("sts", Some(("assumed-role", session))) => session.split('/').next(),
        ("iam", Some(("role", path))) => path.rsplit('/').next(),
        _ => None,
    };
    role.map_or_else(|| arn.to_owned(), |role| format!("arn:{partition}:iam::{account}:role/{role}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_one_client_in_all_its_sessions() {
        let readers = PersonReaders::default();
        let caller = |arn: &str| Caller::of_iam(arn, &readers);
        let first = caller("arn:aws:sts::111122223333:assumed-role/backend/one");
        assert_eq!(first, caller("arn:aws:sts::111122223333:assumed-role/backend/two"));
        assert_ne!(first, caller("arn:aws:sts::444455556666:assumed-role/backend/one"));
        assert_ne!(first, caller("arn:aws:iam::111122223333:user/backend"));
        assert!(!first.reads_person());
    }

    #[test]
    fn only_named_roles_and_users_read_persons() {
        let readers: PersonReaders =
            "arn:aws:iam::111122223333:role/teams/branch, arn:aws:iam::111122223333:user/desk,"
                .parse()
                .expect("readers");
        for (arn, reads) in [
            ("arn:aws:sts::111122223333:assumed-role/branch/session", true),
            ("arn:aws:sts::444455556666:assumed-role/branch/session", false),
            ("arn:aws:sts::111122223333:assumed-role/other/branch", false),
            ("arn:aws:iam::111122223333:user/desk", true),
            ("arn:aws:iam::111122223333:user/teams/desk", false),
            ("branch", false),
            ("", false),
        ] {
            assert_eq!(Caller::of_iam(arn, &readers).reads_person(), reads, "{arn}");
        }
    }

    #[test]
    fn only_tokens_with_the_scope_read_persons() {
        assert!(Caller::of_token("anna", "openid faces/read-person").reads_person());
        for scopes in ["", "openid", "faces/read-persons", "FACES/READ-PERSON", "xfaces/read-person"] {
            assert!(!Caller::of_token("anna", scopes).reads_person(), "{scopes}");
        }
        assert!(!Caller::unknown().reads_person());
        assert_ne!(Caller::of_token("unknown", "").client(), Caller::unknown().client());
    }
}
