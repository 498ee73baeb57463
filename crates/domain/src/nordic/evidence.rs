//! The keys of the pictures of a conversation.

use chrono::{DateTime, NaiveDate, Utc};

use super::Country;
use crate::ApplicationId;

/// A picture that a person uploads in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The identity document.
    Document,
    /// The person.
    Selfie,
}

impl Evidence {
    /// `onboard/<CC>/<YYYY/MM/DD>/<session>/document.<extension>` or `selfie.<extension>`: it contains nothing that the applicant has typed.
    #[must_use]
    pub fn key(self, country: Country, day: NaiveDate, session: &ApplicationId, extension: &str) -> String {
        let name = match self {
            Self::Document => "document",
            Self::Selfie => "selfie",
        };
        format!("{}{name}.{extension}", folder(country, day, session))
    }

    /// The folders in which the pictures of a session may be: it lasts one day from its consent, and may have changed its country.
    pub(crate) fn folders(session: &ApplicationId, consented: DateTime<Utc>) -> impl Iterator<Item = String> {
        let first = consented.date_naive();
        let days = [Some(first), first.succ_opt()].into_iter().flatten();
        days.flat_map(move |day| Country::ALL.map(|country| folder(country, day, session)))
    }

    /// Whether a key is of such a picture of this session in this country. It keeps a session from using a picture of another session, and
    /// its document as its selfie.
    #[must_use]
    pub fn has_key(self, key: &str, country: Country, session: &ApplicationId) -> bool {
        let parts: Vec<_> = key.split('/').collect();
        let [prefix, of_country, year, month, day, of_session, name] = parts[..] else { return false };
        let is_number = |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        prefix == "onboard"
            && of_country == country.code()
            && is_number(year, 4)
            && is_number(month, 2)
            && is_number(day, 2)
            && of_session == session.as_str()
            && !name.is_empty()
            && (self == Self::Selfie) == name.starts_with("selfie.")
    }
}

fn folder(country: Country, day: NaiveDate, session: &ApplicationId) -> String {
    format!("onboard/{country}/{}/{session}/", day.format("%Y/%m/%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_session_have_all_its_pictures() {
        let session: ApplicationId = "3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f".parse().expect("an id");
        let consented: DateTime<Utc> = "2026-12-31T09:30:00Z".parse().expect("a time");
        let folders: Vec<_> = Evidence::folders(&session, consented).collect();
        assert_eq!(folders.len(), 2 * Country::ALL.len());
        for hours in [0, 23, 24] {
            let day = (consented + chrono::TimeDelta::hours(hours)).date_naive();
            for country in Country::ALL {
                let key = Evidence::Selfie.key(country, day, &session, "png");
                assert!(folders.iter().any(|folder| key.starts_with(folder)), "{key}");
            }
        }
    }

    #[test]
    fn a_key_belongs_to_one_picture_of_one_session_and_country() {
        let session: ApplicationId = "3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f".parse().expect("an id");
        let day = NaiveDate::from_ymd_opt(2026, 11, 2).expect("a day");
        for (picture, other, name) in [
            (Evidence::Document, Evidence::Selfie, "document.jpg"),
            (Evidence::Selfie, Evidence::Document, "selfie.jpg"),
        ] {
            let key = picture.key(Country::Denmark, day, &session, "jpg");
            assert_eq!(key, format!("onboard/DK/2026/11/02/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/{name}"));
            assert!(picture.has_key(&key, Country::Denmark, &session));
            assert!(!other.has_key(&key, Country::Denmark, &session));
            assert!(!picture.has_key(&key, Country::Sweden, &session));
            assert!(!picture.has_key(&key, Country::Denmark, &"another".parse().expect("an id")));
        }
        for other in [
            "onboard/DK/2026/11/02/another/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg",
            "onboard/DK/2026/11/2x/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg",
            "onboard/DK/2026/11/02/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/",
            "zipped/DK/2026/11/02/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg",
            "",
        ] {
            assert!(!Evidence::Document.has_key(other, Country::Denmark, &session), "{other}");
        }
    }
}
