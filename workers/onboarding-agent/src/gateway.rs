//! A tool call by a gateway of Amazon Bedrock `AgentCore`: the arguments of the tool. Their member `caller` is set by `identify-caller`,
//! which replaces whatever a model has sent there.

use bonafide_domain::nordic::Caller;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Arguments, Call, Consent};

/// The arguments of a call, as the gateway passes them on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The caller.
    pub caller: Caller,
    /// The arguments from the model.
    #[serde(flatten)]
    pub arguments: Arguments,
}

impl Event {
    /// The call.
    pub(crate) fn call(self) -> Call {
        let Caller { tool, person, consent } = self.caller;
        let consent = consent.map_or(Consent::Absent, Consent::OnPage);
        Call { tool, person, consent, arguments: self.arguments }
    }
}

/// Whether an event has a caller. Such an event is no other event, whatever else a model has sent.
pub(crate) fn has_caller(event: &Map<String, Value>) -> bool {
    event.contains_key("caller")
}
