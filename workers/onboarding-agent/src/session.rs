//! The state of a conversation: the session attributes. A front end could forge them, so nothing that they say proves anything: what was
//! read, confirmed and compared is in the record of the session, which only the machine writes.

use bonafide_domain::ApplicationId;
use bonafide_domain::nordic::{Country, Evidence};
use serde::{Deserialize, Serialize};

use crate::Moment;
use crate::bedrock::Attributes;

const COUNTRY: &str = "country";
const CONSENT: &str = "consent";
const CONSENTED_AT: &str = "consentedAt";
const SESSION_ID: &str = "sessionId";
const DOCUMENT_KEY: &str = "documentKey";
const SELFIE_KEY: &str = "selfieKey";
const PROGRESS: &str = "verificationStatus";

/// The progress of the session. The machine checks it itself; this only avoids useless calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Progress {
    Extracted,
    Resubmit,
    Verified,
    Unverified,
    Registered,
    AlreadyRegistered,
}

/// The state of a conversation.
#[derive(Debug, Default)]
pub(crate) struct Session {
    country: Option<Country>,
    /// Also the key of the row.
    pub(crate) id: Option<ApplicationId>,
    pub(crate) consented_at: Option<String>,
    pub(crate) document_key: Option<String>,
    pub(crate) selfie_key: Option<String>,
    pub(crate) progress: Option<Progress>,
}

impl Session {
    /// Reads the attributes. Malformed ones are ignored.
    pub(crate) fn read(attributes: &Attributes) -> Self {
        let text = |name: &str| attributes.get(name).cloned();
        let (country, id) =
            (text(COUNTRY).and_then(|code| code.parse().ok()), text(SESSION_ID).and_then(|id| id.parse().ok()));
        let has_consent = text(CONSENT).as_deref() == Some("true");
        let key_of = |picture: Evidence, name| {
            text(name)
                .filter(|key| matches!((country, &id), (Some(country), Some(id)) if picture.has_key(key, country, id)))
        };
        let (document_key, selfie_key) =
            (key_of(Evidence::Document, DOCUMENT_KEY), key_of(Evidence::Selfie, SELFIE_KEY));
        Self {
            country,
            id,
            consented_at: text(CONSENTED_AT).filter(|_| has_consent),
            document_key,
            selfie_key,
            progress: text(PROGRESS).and_then(|word| serde_json::from_value(word.into()).ok()),
        }
    }

    /// Country and id, if the person has consented.
    pub(crate) fn consented(&self) -> Option<(Country, &ApplicationId)> {
        self.consented_at.as_ref()?;
        Some((self.country?, self.id.as_ref()?))
    }

    pub(crate) fn consent(&mut self, country: Country, moment: &Moment) {
        if self.country != Some(country) {
            // The document is of another country, so it must be uploaded again. The keys of pictures contain the country.
            (self.document_key, self.selfie_key, self.progress) = (None, None, None);
        }
        self.country = Some(country);
        self.consented_at.get_or_insert_with(|| moment.now.clone());
        self.id
            .get_or_insert_with(|| moment.id.to_string().parse().unwrap_or_else(|_| unreachable!("a UUID is an id")));
    }

    pub(crate) fn withdraw(&mut self) {
        (self.consented_at, self.document_key, self.selfie_key, self.progress) = (None, None, None, None);
    }

    /// Sets the key of a new picture. A new document resets the progress.
    pub(crate) fn uploads_to(&mut self, key: String, picture: Evidence) {
        match picture {
            Evidence::Document => (self.document_key, self.progress) = (Some(key), None),
            Evidence::Selfie => self.selfie_key = Some(key),
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(
            self.progress,
            Some(Progress::Extracted | Progress::Verified | Progress::Unverified | Progress::Registered)
        )
    }

    pub(crate) fn is_verified(&self) -> bool {
        matches!(self.progress, Some(Progress::Verified | Progress::Registered))
    }

    /// The attributes of the event, updated with this state. Other attributes stay.
    pub(crate) fn attributes(&self, before: &Attributes) -> Attributes {
        let progress = self.progress.and_then(|progress| serde_json::to_value(progress).ok());
        let own = [
            (COUNTRY, self.country.map(|country| country.to_string())),
            (CONSENT, self.consented_at.as_ref().map(|_| "true".to_owned())),
            (CONSENTED_AT, self.consented_at.clone()),
            (SESSION_ID, self.id.as_ref().map(ToString::to_string)),
            (DOCUMENT_KEY, self.document_key.clone()),
            (SELFIE_KEY, self.selfie_key.clone()),
            (PROGRESS, progress.and_then(|word| Some(word.as_str()?.to_owned()))),
        ];
        let mut attributes = before.clone();
        for (name, value) in own {
            match value {
                Some(value) => drop(attributes.insert(name.to_owned(), value)),
                None => drop(attributes.remove(name)),
            }
        }
        attributes
    }
}
