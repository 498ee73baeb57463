//! Serves `POST /uploads` of the face API.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use bonafide_domain::face_api::{UploadAnswer, UploadRequest};
use bonafide_faces::{Error, Pictures, new_upload_id};
use bonafide_worker::{ApiAnswer, ApiRequest};

/// How long the signed address is valid.
const VALIDITY: Duration = Duration::from_mins(15);

/// Signs a `PUT` of one picture. S3 accepts only the type and the size that the client announces.
///
/// # Errors
/// When the request is refused, or there are no credentials to sign with.
///
/// # Panics
/// Never: the validity is within what S3 allows.
pub async fn handle(pictures: &Pictures, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let (media_type, length) = request.json::<UploadRequest>()?.parts()?;
    let upload = new_upload_id();
    let validity = PresigningConfig::expires_in(VALIDITY).expect("a quarter of an hour is within S3's week");
    let put = pictures.presign(&upload, media_type, length, validity).await?;
    Ok(ApiAnswer::ok(&UploadAnswer {
        success: true,
        upload,
        url: put.uri().to_owned(),
        headers: put.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        expires_in: VALIDITY.as_secs(),
    }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        Client,
        config::{BehaviorVersion, Credentials, Region},
    };
    use bonafide_domain::face_api::Refusal;
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use super::*;

    async fn offered(body: Value) -> Result<Value, Error> {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests());
        let pictures = Pictures::new(Client::from_conf(config.build()), "evidence".into());
        let headers = json!({"content-type": "application/json"});
        let event = json!({"headers": headers, "body": body.to_string(), "requestContext": {}});
        let request = ApiRequest::read(event, &Api::new("")).expect("a request");
        handle(&pictures, request).await.map(|answer| serde_json::from_str(answer.body()).expect("json"))
    }

    #[tokio::test]
    async fn signs_one_picture_of_the_announced_type_and_size() {
        let answer = offered(json!({"contentType": "image/png", "contentLength": 6_000_000})).await.expect("an answer");
        let url = answer["url"].as_str().expect("a url");
        let path = format!("/faces/uploads/{}?", answer["upload"].as_str().expect("an id"));
        assert!(url.starts_with("https://evidence.s3.us-east-1.amazonaws.com/") && url.contains(&path), "{url}");
        assert!(
            url.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost")
                && url.contains("X-Amz-Expires=900")
        );
        let headers = json!({"content-length": "6000000", "content-type": "image/png"});
        assert_eq!((&answer["headers"], &answer["expiresIn"]), (&headers, &json!(900)));
    }

    #[tokio::test]
    async fn refuses_to_sign_unacceptable_uploads() {
        for (body, code) in [
            (json!({"contentType": "image/gif", "contentLength": 9}), "REQUEST_INVALID"),
            (json!({"contentType": "image/png", "contentLength": 0}), "REQUEST_INVALID"),
            (json!({"contentType": "image/png", "contentLength": 20_000_000}), "REQUEST_TOO_LARGE"),
        ] {
            let failure = offered(body).await.expect_err("refused");
            assert!(matches!(failure, Error::Refused(refusal) if Refusal::code(&refusal) == code), "{code}");
        }
    }
}
