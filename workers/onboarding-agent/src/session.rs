//! The state of a conversation, in the table `Conversations`: one session for each person. It has ids, codes and keys only, and proves
//! nothing about the person: what was read, confirmed and compared is in the record of the application, which only the machine writes.

use std::str::FromStr;

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::AttributeValue,
};
use bonafide_domain::ApplicationId;
use bonafide_domain::nordic::{ConsentText, Country, Evidence, Person};
use bonafide_erasure::Conversations;
use bonafide_worker::{Row, ServiceError, column, text};
use serde::{Deserialize, Serialize};

use crate::{Error, Moment};

/// How long a session lasts, in seconds, from the first consent on. The attempts of a person count for so long.
const SESSION_SECONDS: i64 = 24 * 3600;
/// How many sessions a person may begin in this time: a withdrawal must not be a way to more attempts.
const MOST_SESSIONS: i64 = 3;

const APPLICATION: &str = "applicationId";
const COUNTRY: &str = "country";
const CONSENTED_AT: &str = "consentedAt";
const CONSENT: &str = "consent";
const DOCUMENT_KEY: &str = "documentKey";
const SELFIE_KEY: &str = "selfieKey";
const PROGRESS: &str = "progress";
const SESSIONS: &str = "sessions";
const EXPIRES_AT: &str = "expiresAt";

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

/// A session to which the person has consented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Also the key of the application's record.
    pub(crate) id: ApplicationId,
    pub(crate) country: Country,
    pub(crate) consented_at: String,
    /// The text to which the person has agreed; none in a conversation whose consent no page asks for.
    pub(crate) consent: Option<ConsentText>,
    pub(crate) document_key: Option<String>,
    pub(crate) selfie_key: Option<String>,
    pub(crate) progress: Option<Progress>,
}

/// What the table has of a person.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The session, if one has begun and was not withdrawn.
    pub(crate) session: Option<Session>,
    /// How many sessions have begun.
    sessions: i64,
}

/// The table of sessions, and its client.
#[derive(Clone, Debug)]
pub struct Sessions {
    client: Client,
    table: String,
}

impl Sessions {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// What the table has of a person. An entry that has expired counts as none: `DynamoDB` deletes it within days.
    pub(crate) async fn of(&self, person: &Person, moment: &Moment) -> Result<Standing, Error> {
        let get = self.client.get_item().table_name(&self.table).key("person", text(person.as_str()));
        let found = get.consistent_read(true).send().await;
        let found = found.map_err(|error| ServiceError::new("the session could not be read", error))?;
        let row = found.item.unwrap_or_default();
        if number::<i64>(&row, EXPIRES_AT).is_none_or(|end| end <= moment.seconds) {
            return Ok(Standing { session: None, sessions: 0 });
        }
        Ok(Standing { session: Session::read(&row), sessions: number(&row, SESSIONS).unwrap_or_default() })
    }

    /// Begins a session, or none if the person has begun enough of them.
    pub(crate) async fn begin(
        &self,
        person: &Person,
        before: &Standing,
        (country, consent): (Country, Option<&ConsentText>),
        moment: &Moment,
    ) -> Result<Option<Session>, Error> {
        if before.sessions >= MOST_SESSIONS {
            return Ok(None);
        }
        let id: ApplicationId = moment.id.to_string().parse().unwrap_or_else(|_| unreachable!("a UUID is an id"));
        // A time to live that is changed by later sessions would let the count last forever.
        let expires_at = format!("expiresAt = {}", if before.sessions == 0 { ":end" } else { EXPIRES_AT });
        let mut begin = self.update(person).update_expression(format!(
            "SET applicationId = :id, country = :country, consentedAt = :at, consent = :consent, sessions = :sessions, \
             {expires_at} REMOVE documentKey, selfieKey, progress"
        ));
        // Of two sessions that begin at once, one begins.
        begin = begin
            .condition_expression(if before.sessions == 0 {
                "attribute_not_exists(person) OR expiresAt <= :now"
            } else {
                "attribute_not_exists(applicationId) AND sessions = :before"
            })
            .expression_attribute_values(":id", text(id.as_str()))
            .expression_attribute_values(":country", text(country.code()))
            .expression_attribute_values(":at", text(&moment.now))
            .expression_attribute_values(":consent", consent_attribute(consent))
            .expression_attribute_values(":sessions", amount(before.sessions + 1));
        begin = if before.sessions == 0 {
            let end = moment.seconds + SESSION_SECONDS;
            let begin = begin.expression_attribute_values(":end", amount(end));
            begin.expression_attribute_values(":now", amount(moment.seconds))
        } else {
            begin.expression_attribute_values(":before", amount(before.sessions))
        };
        if !send(begin).await? {
            return Err(Error::Changed);
        }
        Ok(Some(Session {
            id,
            country,
            consented_at: moment.now.clone(),
            consent: consent.cloned(),
            document_key: None,
            selfie_key: None,
            progress: None,
        }))
    }

    /// Sets the country of a session. The keys of pictures contain the country, so they must be uploaded again.
    pub(crate) async fn move_to(&self, person: &Person, session: &Session, country: Country) -> Result<(), Error> {
        let update = self.update_of(person, session);
        let update = update.update_expression("SET country = :country REMOVE documentKey, selfieKey, progress");
        changed(send(update.expression_attribute_values(":country", text(country.code()))).await?)
    }

    /// Ends a session. How many a person has begun is kept until the entry expires.
    pub(crate) async fn end(&self, person: &Person, session: &Session) -> Result<(), Error> {
        let conversations = Conversations::new(self.client.clone(), self.table.clone());
        Ok(conversations.end(person.as_str(), &session.id).await?)
    }

    /// Sets the key of a new picture. A new document resets the progress.
    pub(crate) async fn uploads_to(
        &self,
        person: &Person,
        session: &Session,
        (key, picture): (&str, Evidence),
    ) -> Result<(), Error> {
        let update = self.update_of(person, session).update_expression(match picture {
            Evidence::Document => "SET documentKey = :key REMOVE progress",
            Evidence::Selfie => "SET selfieKey = :key",
        });
        changed(send(update.expression_attribute_values(":key", text(key))).await?)
    }

    /// Sets the progress with a document. It is not that of a document which was requested, or a session which was withdrawn, meanwhile.
    pub(crate) async fn advance(
        &self,
        person: &Person,
        session: &Session,
        document: &str,
        progress: Progress,
    ) -> Result<(), Error> {
        let update = self.update(person).update_expression("SET progress = :progress");
        let update = update.condition_expression("applicationId = :id AND documentKey = :document");
        let update = update
            .expression_attribute_values(":id", text(session.id.as_str()))
            .expression_attribute_values(":document", text(document))
            .expression_attribute_values(":progress", text(&word(progress)));
        send(update).await.map(drop)
    }

    fn update(&self, person: &Person) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("person", text(person.as_str()))
    }

    /// An update of this session as it was read: in its country.
    fn update_of(&self, person: &Person, session: &Session) -> UpdateItemFluentBuilder {
        let update = self.update(person).condition_expression("applicationId = :id AND country = :now");
        update
            .expression_attribute_values(":id", text(session.id.as_str()))
            .expression_attribute_values(":now", text(session.country.code()))
    }
}

/// Whether the update was made; not if its condition does not hold.
async fn send(update: UpdateItemFluentBuilder) -> Result<bool, Error> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(ServiceError::new("the session could not be written", error).into()),
        },
    }
}

fn changed(is_made: bool) -> Result<(), Error> {
    if is_made { Ok(()) } else { Err(Error::Changed) }
}

impl Session {
    /// Reads an entry; none if it has no session.
    fn read(row: &Row) -> Option<Self> {
        let member = |name: &str| column(row, name).map(str::to_owned);
        let consent = row.get(CONSENT).and_then(|consent| consent.as_m().ok());
        let consent =
            consent.and_then(|text| ConsentText::stated(column(text, "version"), column(text, "language")).ok());
        Some(Self {
            id: column(row, APPLICATION)?.parse().ok()?,
            country: column(row, COUNTRY)?.parse().ok()?,
            consented_at: member(CONSENTED_AT)?,
            consent: consent.flatten(),
            document_key: member(DOCUMENT_KEY),
            selfie_key: member(SELFIE_KEY),
            progress: member(PROGRESS).and_then(|word| serde_json::from_value(word.into()).ok()),
        })
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
}

fn word(progress: Progress) -> String {
    let word = serde_json::to_value(progress).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

/// The text of a consent; an empty map if no page has asked.
fn consent_attribute(consent: Option<&ConsentText>) -> AttributeValue {
    let members = consent.map(|consent| {
        [
            ("version".to_owned(), text(consent.version.as_str())),
            ("language".to_owned(), text(consent.language.as_str())),
        ]
    });
    AttributeValue::M(members.into_iter().flatten().collect())
}

fn amount(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn number<T: FromStr>(row: &Row, name: &str) -> Option<T> {
    row.get(name)?.as_n().ok()?.parse().ok()
}
