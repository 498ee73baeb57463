//! The checks and their outcomes.

use serde::{Deserialize, Serialize};

/// The outcome of one check. A check that could not judge fails instead, and has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// Nothing speaks against the applicant.
    Pass,
    /// A fact that the applicant cannot change speaks against the applicant.
    Decline,
    /// The applicant can fix it and send the evidence again.
    Resubmit,
    /// A person has to decide.
    Refer,
}

/// The checks of an onboarding, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// Is the package usable?
    PackageCheck,
    /// Does the selfie show one clear face that no other application has?
    IdentityVerification,
    /// Is it the face on the document?
    IdentityCompare,
    /// Do document and stated details agree?
    DocumentExtraction,
    /// Does the licence verification service know the licence?
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

    /// The name in tables, notifications, logs and metrics.
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
    /// The name in tables, notifications, logs and metrics.
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
    fn names_equal_the_serialized_form() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_value(check).expect("json"), check.name());
        }
        for outcome in [CheckOutcome::Pass, CheckOutcome::Decline, CheckOutcome::Resubmit, CheckOutcome::Refer] {
            assert_eq!(serde_json::to_value(outcome).expect("json"), outcome.name());
        }
    }
}
