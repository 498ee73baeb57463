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
