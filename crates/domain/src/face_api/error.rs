//! The errors of the API.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{CaseRefusal, ReasonCode, refusals::refusals};

refusals! {
    /// Why a request was refused or could not be served.
    ///
    /// Further codes are those of [`ReasonCode`] for defects of a picture: see [`Refusal::PICTURE_REASONS`].
    ApiError {
        RequestInvalid "REQUEST_INVALID" 400 "The request does not fit the description of this API."
        ImageEncodingInvalid "IMAGE_ENCODING_INVALID" 400 "The image has to be a data URL: data:image/jpeg;base64, or data:image/png;base64, and then base64 with its padding."
        IdempotencyKeyInvalid "IDEMPOTENCY_KEY_INVALID" 400 "The Idempotency-Key has to be 1 to 255 visible ASCII characters."
        NotAuthenticated "NOT_AUTHENTICATED" 401 "The request carries no valid credentials."
        NotAuthorized "NOT_AUTHORIZED" 403 "These credentials may not do this."
        FaceNotFound "FACE_NOT_FOUND" 404 "There is no face with this id."
        UploadNotFound "UPLOAD_NOT_FOUND" 404 "There is no picture under this upload: it was not sent yet, or it is older than a day."
        RouteNotFound "ROUTE_NOT_FOUND" 404 "There is no such route."
        FaceDuplicate "FACE_DUPLICATE" 409 "This face is registered already."
        FaceDuplicateConcurrent "FACE_DUPLICATE_CONCURRENT" 409 "The same face was registered at the same moment; neither counts. Send one of the requests again."
        RequestInProgress "REQUEST_IN_PROGRESS" 409 "A request with this Idempotency-Key, or another one about this face, is being served. Ask again in a moment."
        ImageTooLarge "IMAGE_TOO_LARGE" 413 "The image is larger than a request may carry (4 MiB). Ask for an upload with POST /uploads, which takes 15 MiB."
        RequestTooLarge "REQUEST_TOO_LARGE" 413 "The request is too large. Ask for an upload with POST /uploads."
        MediaTypeUnsupported "MEDIA_TYPE_UNSUPPORTED" 415 "The body has to be application/json."
        ImageNotPlain "IMAGE_NOT_PLAIN" 422 "Something follows the end of the picture in its file. Save it as a plain JPEG or PNG."
        IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" 422 "This Idempotency-Key came with another request before. Take a new one for a new request."
        RequestsThrottled "REQUESTS_THROTTLED" 429 "These are too many requests at once. Send them more slowly."
        QuotaExceeded "QUOTA_EXCEEDED" 429 "The quota of this client is used up."
        InternalError "INTERNAL_ERROR" 500 "Something is broken on our side. Sending the same again does not help; we are told about it."
        ServiceUnavailable "SERVICE_UNAVAILABLE" 503 "We cannot do this just now. Send the same request again, with the same Idempotency-Key."
        ServiceTimedOut "SERVICE_TIMED_OUT" 504 "This took too long. Send the same request again, with the same Idempotency-Key."
    }
}

/// The body of an error response: `{"success": false, "error": …, "code": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One of the API's own errors.
    Error(ApiError),
    /// [`ApiError::RequestInvalid`] at this field. The name is one of the API; the name that a client sent is never repeated.
    At(&'static str),
    /// The picture, or the face on it, is not good enough: all reasons that apply, at least one.
    Picture(Vec<ReasonCode>),
    /// What the review API refuses about a case.
    Case(CaseRefusal),
}

impl Refusal {
    /// The reasons for which a picture is refused.
    pub const PICTURE_REASONS: &[ReasonCode] = &[
        ReasonCode::SelfieNotAnImage,
        ReasonCode::SelfieTooLarge,
        ReasonCode::SelfieTooSmall,
        ReasonCode::SelfieUnreadable,
        ReasonCode::SelfieFaceNotFound,
        ReasonCode::SelfieFaceUnclear,
        ReasonCode::SelfieMultipleFaces,
        ReasonCode::SelfieTooDark,
        ReasonCode::SelfieTooBlurred,
        ReasonCode::SelfieFaceTurned,
        ReasonCode::SelfieSunglassesWorn,
        ReasonCode::SelfieFaceCovered,
        ReasonCode::SelfieQualityLow,
    ];

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Error(error) => error.status(),
            Self::At(_) => ApiError::RequestInvalid.status(),
            Self::Picture(reasons) if reasons.contains(&ReasonCode::SelfieTooLarge) => 413,
            Self::Picture(_) => 422,
            Self::Case(refusal) => refusal.status(),
        }
    }

    /// The code; of several reasons, the first.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Error(error) => error.code(),
            Self::At(_) => ApiError::RequestInvalid.code(),
            Self::Picture(reasons) => reasons.first().map_or(ApiError::InternalError.code(), |reason| reason.code()),
            Self::Case(refusal) => refusal.code(),
        }
    }

    /// The sentence for a person; of several reasons, one each.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Error(error) => error.sentence().to_owned(),
            Self::At(field) => format!("The request does not fit the description of this API at `{field}`."),
            Self::Picture(reasons) => reasons.iter().map(|reason| reason.applicant()).collect::<Vec<_>>().join(" "),
            Self::Case(refusal) => refusal.sentence().to_owned(),
        }
    }

    /// The reasons for which the picture is refused.
    #[must_use]
    pub fn reasons(&self) -> &[ReasonCode] {
        match self {
            Self::Picture(reasons) => reasons,
            Self::Error(_) | Self::At(_) | Self::Case(_) => &[],
        }
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reasons = self.reasons();
        let mut body = serializer.serialize_struct("Refusal", if reasons.is_empty() { 3 } else { 4 })?;
        body.serialize_field("success", &false)?;
        body.serialize_field("error", &self.sentence())?;
        body.serialize_field("code", self.code())?;
        if !reasons.is_empty() {
            body.serialize_field("reasons", reasons)?;
        }
        body.end()
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl From<CaseRefusal> for Refusal {
    fn from(refusal: CaseRefusal) -> Self {
        Self::Case(refusal)
    }
}

impl From<ReasonCode> for Refusal {
    fn from(reason: ReasonCode) -> Self {
        Self::Picture(vec![reason])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn codes_are_unique_and_screaming_snake() {
        let pictures = Refusal::PICTURE_REASONS.iter().map(|reason| reason.code());
        let codes: Vec<_> = ApiError::ALL.iter().map(|error| error.code()).chain(pictures).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
        }
    }

    /// A code that is also a reason code has the same meaning.
    #[test]
    fn only_known_codes_are_also_reason_codes() {
        let shared: Vec<_> = ApiError::ALL.iter().filter(|error| error.code().parse::<ReasonCode>().is_ok()).collect();
        assert_eq!(shared, [&ApiError::FaceDuplicate, &ApiError::FaceDuplicateConcurrent]);
    }

    #[test]
    fn each_error_has_an_http_error_status_and_a_sentence() {
        for error in ApiError::ALL {
            assert!((400..600).contains(&error.status()), "{error:?}");
            assert!(error.sentence().ends_with('.') && error.sentence().len() > 15, "{error:?}");
        }
    }

    #[test]
    fn the_response_has_the_documented_form() {
        let body = |refusal: Refusal| serde_json::to_value(refusal).expect("json");
        assert_eq!(
            body(ApiError::FaceNotFound.into()),
            json!({"success": false, "error": "There is no face with this id.", "code": "FACE_NOT_FOUND"})
        );
        let invalid = Refusal::At("firstName");
        assert_eq!((invalid.status(), invalid.code()), (400, "REQUEST_INVALID"));
        assert!(invalid.sentence().contains("`firstName`"));
        let dark = Refusal::Picture(vec![ReasonCode::SelfieTooDark, ReasonCode::SelfieFaceTurned]);
        assert_eq!(body(dark.clone())["reasons"], json!(["SELFIE_TOO_DARK", "SELFIE_FACE_TURNED"]));
        assert_eq!((dark.status(), dark.code()), (422, "SELFIE_TOO_DARK"));
        assert_eq!(Refusal::from(ReasonCode::SelfieTooLarge).status(), 413);
    }
}
