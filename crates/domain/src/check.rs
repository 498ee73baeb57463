//! What a check can conclude.

use serde::{Deserialize, Serialize};

/// The outcome of one check. A check that could not judge has none: it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// Nothing speaks against the applicant.
    Pass,
    /// Something does, and the applicant cannot change it.
    Decline,
    /// The applicant can mend it and send the evidence again.
    Resubmit,
    /// A person has to look.
    Refer,
}

/// The checks of an onboarding, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// Is the package usable?
    PackageCheck,
    /// One clear face, nobody else's?
    IdentityVerification,
    /// The person of the document?
    IdentityCompare,
    /// A document that says what the applicant said?
    DocumentExtraction,
    /// Known to the third party?
    ThirdPartyCheck,
    /// In a conversation: can the identity be read from the document?
    IdentityExtraction,
    /// In a conversation: does the national register know the person?
    RegistryVerification,
    /// In a conversation: is the person new?
    CustomerRegistration,
}

impl Check {
    /// All checks, in their order.
    pub const ALL: [Self; 8] = [
        Self::PackageCheck,
        Self::IdentityVerification,
        Self::IdentityCompare,
        Self::DocumentExtraction,
        Self::ThirdPartyCheck,
        Self::IdentityExtraction,
        Self::RegistryVerification,
        Self::CustomerRegistration,
    ];

    /// The name: of the row's attribute, in notifications, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PackageCheck => "packageCheck",
            Self::IdentityVerification => "identityVerification",
            Self::IdentityCompare => "identityCompare",
            Self::DocumentExtraction => "documentExtraction",
            Self::ThirdPartyCheck => "thirdPartyCheck",
            Self::IdentityExtraction => "identityExtraction",
            Self::RegistryVerification => "registryVerification",
            Self::CustomerRegistration => "customerRegistration",
        }
    }
}

impl CheckOutcome {
    /// The name: in rows, notifications, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Decline => "decline",
            Self::Resubmit => "resubmit",
            Self::Refer => "refer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_written() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_value(check).expect("json"), check.name());
        }
        for outcome in [CheckOutcome::Pass, CheckOutcome::Decline, CheckOutcome::Resubmit, CheckOutcome::Refer] {
            assert_eq!(serde_json::to_value(outcome).expect("json"), outcome.name());
        }
    }
}
