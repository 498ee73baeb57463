//! The key of the document of a conversation.

use chrono::NaiveDate;

use super::Country;
use crate::ApplicationId;

/// `onboard/<CC>/<YYYY/MM/DD>/<session>/document.<extension>`: it contains nothing that the applicant has typed.
#[must_use]
pub fn document_key(country: Country, day: NaiveDate, session: &ApplicationId, extension: &str) -> String {
    format!("onboard/{country}/{}/{session}/document.{extension}", day.format("%Y/%m/%d"))
}

/// Whether a key belongs to this session in this country. It keeps a session from having the document of another session read.
#[must_use]
pub fn is_document_of(key: &str, country: Country, session: &ApplicationId) -> bool {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_one_session_and_country() {
        let session: ApplicationId = "3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f".parse().expect("an id");
        let day = NaiveDate::from_ymd_opt(2026, 11, 2).expect("a day");
        let key = document_key(Country::Denmark, day, &session, "jpg");
        assert_eq!(key, "onboard/DK/2026/11/02/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg");
        assert!(is_document_of(&key, Country::Denmark, &session));
        assert!(!is_document_of(&key, Country::Sweden, &session));
        assert!(!is_document_of(&key, Country::Denmark, &"another".parse().expect("an id")));
        for other in [
            "onboard/DK/2026/11/02/another/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg",
            "onboard/DK/2026/11/2x/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg",
            "onboard/DK/2026/11/02/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/",
            "zipped/DK/2026/11/02/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg",
            "",
        ] {
            assert!(!is_document_of(other, Country::Denmark, &session), "{other}");
        }
    }
}
