//! The bodies of requests. An invalid field fails to parse; conditions on several fields are checked afterwards.

use chrono::NaiveDate;
use serde::Deserialize;

use super::{
    ApiError, BirthDate, EncodedImage, FaceId, Fingerprint, MAX_UPLOAD_BYTES, Name, Person, PhoneNumber, Refusal,
    UploadId,
};

/// `POST /register`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterRequest {
    first_name: Name,
    last_name: Name,
    date_of_birth: BirthDate,
    phone_number: PhoneNumber,
    image: Option<EncodedImage>,
    upload: Option<UploadId>,
}

/// `POST /verify`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    image: Option<EncodedImage>,
    upload: Option<UploadId>,
    /// The only face that may match; without it, all do.
    face_id: Option<FaceId>,
}

/// `POST /create-index`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexRequest {
    /// The face whose picture is indexed.
    pub face_id: FaceId,
}

/// `POST /uploads`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadRequest {
    content_type: MediaType,
    content_length: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum MediaType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
}

/// Where the picture of a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureSource {
    /// In the request.
    Inline(EncodedImage),
    /// In the bucket.
    Upload(UploadId),
}

impl PictureSource {
    fn of(image: Option<EncodedImage>, upload: Option<UploadId>) -> Result<Self, Refusal> {
        match (image, upload) {
            (Some(image), None) => Ok(Self::Inline(image)),
            (None, Some(upload)) => Ok(Self::Upload(upload)),
            // Neither or both.
            _ => Err(Refusal::At("image")),
        }
    }
}

impl RegisterRequest {
    /// The person, the picture, and the fingerprint of the request.
    ///
    /// # Errors
    /// When the date of birth is in the future, or there is not exactly one picture.
    pub fn parts(self, today: NaiveDate) -> Result<(Person, PictureSource, Fingerprint), Refusal> {
        if !self.date_of_birth.is_past(today) {
            return Err(Refusal::At("dateOfBirth"));
        }
        let Self { first_name, last_name, date_of_birth, phone_number, image, upload } = self;
        let source = PictureSource::of(image, upload)?;
        let picture = match &source {
            PictureSource::Inline(image) => image.digest().to_vec(),
            PictureSource::Upload(id) => id.as_str().as_bytes().to_vec(),
        };
        let stated = [first_name.expose(), last_name.expose(), date_of_birth.expose(), phone_number.expose()];
        let [first, last, birth, phone] = stated.map(str::as_bytes);
        let fingerprint = Fingerprint::of(&[first, last, birth, phone, &picture]);
        Ok((Person { first_name, last_name, date_of_birth, phone_number }, source, fingerprint))
    }
}

impl VerifyRequest {
    /// Where the picture is, and the face that the caller names.
    ///
    /// # Errors
    /// When there is not exactly one picture.
    pub fn parts(self) -> Result<(PictureSource, Option<FaceId>), Refusal> {
        Ok((PictureSource::of(self.image, self.upload)?, self.face_id))
    }
}

impl UploadRequest {
    /// The media type and the size in bytes of the announced upload.
    ///
    /// # Errors
    /// When the size is 0, or larger than a picture may be.
    pub fn parts(&self) -> Result<(&'static str, u64), Refusal> {
        let media_type = match self.content_type {
            MediaType::Jpeg => super::Format::Jpeg.media_type(),
            MediaType::Png => super::Format::Png.media_type(),
        };
        match self.content_length {
            0 => Err(Refusal::At("contentLength")),
            length if length > MAX_UPLOAD_BYTES => Err(ApiError::RequestTooLarge.into()),
            length => Ok((media_type, length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const UPLOAD: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date")
    }

    fn body() -> Value {
        json!({"firstName": "Jane", "lastName": "Doe", "dateOfBirth": "1957-01-12", "phoneNumber": "+45 12345678", "upload": UPLOAD})
    }

    fn parts(body: Value) -> Result<(Person, PictureSource, Fingerprint), Refusal> {
        serde_json::from_value::<RegisterRequest>(body).expect("a request").parts(today())
    }

    #[test]
    fn a_request_has_exactly_one_picture() {
        assert_eq!(parts(body()).expect("parts").1, PictureSource::Upload(UPLOAD.parse().expect("an id")));
        let mut both = body();
        both["image"] = json!("data:image/png;base64,");
        let mut neither = body();
        neither.as_object_mut().expect("an object").remove("upload");
        for body in [both, neither] {
            assert_eq!(parts(body).expect_err("not one"), Refusal::At("image"));
        }
        let verify = |body: Value| serde_json::from_value::<VerifyRequest>(body).expect("a request").parts();
        assert!(verify(json!({})).is_err());
        assert!(verify(json!({"faceId": UPLOAD})).is_err());
        assert_eq!(verify(json!({"upload": UPLOAD})).expect("parts").1, None);
        assert_eq!(verify(json!({"upload": UPLOAD, "faceId": UPLOAD})).expect("parts").1, UPLOAD.parse().ok());
    }

    #[test]
    fn refuses_a_birth_date_in_the_future() {
        let mut unborn = body();
        unborn["dateOfBirth"] = json!("2026-11-22");
        assert_eq!(parts(unborn).expect_err("not born"), Refusal::At("dateOfBirth"));
    }

    #[test]
    fn every_field_changes_the_fingerprint() {
        let first = parts(body()).expect("parts").2;
        assert_eq!(first, parts(body()).expect("parts").2);
        for (field, value) in [
            ("firstName", "Janet"),
            ("lastName", "Do"),
            ("dateOfBirth", "1957-01-13"),
            ("phoneNumber", "+45 12345679"),
            ("upload", "0c1d2e3f-4a5b-4c6d-8e7f-001122334456"),
        ] {
            let mut other = body();
            other[field] = json!(value);
            assert_ne!(first, parts(other).expect("parts").2, "{field}");
        }
        let image = |text: &str| {
            let mut body = body();
            body.as_object_mut().expect("an object").remove("upload");
            body["image"] = json!(text);
            parts(body).expect("parts").2
        };
        assert_ne!(image("a"), image("b"));
    }

    #[test]
    fn unknown_fields_and_wrong_types_are_refused() {
        for (field, value) in
            [("admin", json!(true)), ("faceId", json!(UPLOAD)), ("firstName", json!(1)), ("image", json!([]))]
        {
            let mut body = body();
            body[field] = value;
            assert!(serde_json::from_value::<RegisterRequest>(body).is_err(), "{field}");
        }
    }

    #[test]
    fn an_upload_request_states_media_type_and_size() {
        let request = |media_type: &str, length: u64| {
            serde_json::from_value::<UploadRequest>(json!({"contentType": media_type, "contentLength": length}))
        };
        assert_eq!(request("image/png", 9).expect("a request").parts(), Ok(("image/png", 9)));
        assert_eq!(
            request("image/jpeg", MAX_UPLOAD_BYTES).expect("a request").parts(),
            Ok(("image/jpeg", MAX_UPLOAD_BYTES))
        );
        assert!(request("image/gif", 9).is_err());
        let refused = |length| request("image/png", length).expect("a request").parts().expect_err("refused").code();
        assert_eq!((refused(0), refused(MAX_UPLOAD_BYTES + 1)), ("REQUEST_INVALID", "REQUEST_TOO_LARGE"));
    }
}
