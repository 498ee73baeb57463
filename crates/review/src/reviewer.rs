//! The person behind a request.

use bonafide_domain::{
    Reviewer,
    face_api::{ApiError, Refusal},
};
use bonafide_worker::ApiRequest;

/// The reviewer. API Gateway has verified signature, issuer, expiry and scope of the token, but accepts every app client of the pool: another
/// one could sign in without the second factor, or name a program where a decision needs a person.
///
/// # Errors
/// When the token is not an access token of the client with this id.
pub fn reviewer(request: &ApiRequest, client: &str) -> Result<Reviewer, Refusal> {
    let is_ours = request.claim("client_id") == Some(client) && request.claim("token_use") == Some("access");
    match (request.claim("sub"), request.claim("username")) {
        (Some(id), Some(name)) if is_ours && !client.is_empty() => {
            Ok(Reviewer { id: id.to_owned(), name: name.to_owned() })
        }
        _ => Err(ApiError::NotAuthorized.into()),
    }
}

#[cfg(test)]
mod tests {
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use super::*;

    fn of(claims: &Value) -> Result<Reviewer, Refusal> {
        let event = json!({"requestContext": {"authorizer": {"claims": claims}}});
        reviewer(&ApiRequest::read(event, &Api::new("")).expect("a request"), "desk")
    }

    #[test]
    fn only_the_sign_in_of_a_person_is_a_reviewer() {
        let claims = json!({"sub": "5f0d", "username": "ann", "client_id": "desk", "token_use": "access"});
        assert_eq!(of(&claims), Ok(Reviewer { id: "5f0d".to_owned(), name: "ann".to_owned() }));
        for (claim, value) in [
            ("client_id", json!("another")),
            ("client_id", json!(null)),
            ("token_use", json!("id")),
            // A program has no user name.
            ("username", json!(null)),
            ("sub", json!(null)),
        ] {
            let mut claims = claims.clone();
            claims[claim] = value;
            assert_eq!(of(&claims), Err(ApiError::NotAuthorized.into()), "{claim}");
        }
    }
}
