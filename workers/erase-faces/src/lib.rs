//! Serves the state `EraseFaces`: deletes the faces of an application from the collection.
//!
//! Also a face that no record names, which a failed execution has indexed. Rekognition cannot search by the external id, so the whole
//! collection is listed.

use aws_sdk_rekognition::Client;
use bonafide_domain::ApplicationId;
use bonafide_worker::{ServiceError, record_application};
use serde::{Deserialize, Serialize};

/// The most faces in one request or answer of Rekognition.
const PAGE: u16 = 4096;

/// The input from the machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
}

/// The result.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The number of faces that were deleted.
    faces: usize,
}

/// The collection.
#[derive(Clone, Debug)]
pub struct Services {
    /// The client for it.
    pub rekognition: Client,
    /// Its id.
    pub collection: String,
}

/// Deletes the faces.
///
/// # Errors
/// When Rekognition does not answer. Another try continues.
pub async fn handle(services: &Services, Input { application_id }: Input) -> Result<Output, ServiceError> {
    record_application(&application_id);
    let Services { rekognition, collection } = services;
    let mut pages = rekognition.list_faces().collection_id(collection).max_results(PAGE.into()).into_paginator().send();
    // Onboarding writes the application and the submission into the external id.
    let is_ours = |external: &str| external.split(':').next() == Some(application_id.as_str());
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| ServiceError::new("the faces could not be listed", error))?;
        let ours = page.faces.unwrap_or_default().into_iter();
        let ours = ours.filter(|face| face.external_image_id().is_some_and(is_ours));
        found.extend(ours.filter_map(|face| face.face_id));
    }
    let mut faces = 0;
    for some in found.chunks(PAGE.into()) {
        let delete =
            rekognition.delete_faces().collection_id(collection).set_face_ids(Some(some.to_vec())).send().await;
        let answer = delete.map_err(|error| ServiceError::new("the faces could not be deleted", error))?;
        faces += answer.deleted_faces().len();
    }
    Ok(Output { faces })
}

#[cfg(test)]
mod tests {
    use aws_sdk_rekognition::{
        operation::{
            delete_faces::DeleteFacesOutput,
            list_faces::{ListFacesError, ListFacesOutput},
        },
        types::Face,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, TaskError as _};
    use serde_json::json;

    use super::*;

    async fn erased(rules: &[&Rule]) -> Result<Output, ServiceError> {
        let rekognition = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, rules);
        let input = serde_json::from_value(json!({"applicationId": "a-1"})).expect("an input");
        handle(&Services { rekognition, collection: "faces".into() }, input).await
    }

    fn face(id: &str, external: &str) -> Face {
        Face::builder().face_id(id).external_image_id(external).build()
    }

    #[tokio::test]
    async fn deletes_the_faces_of_this_application_on_all_pages() {
        let list = mock!(Client::list_faces).sequence();
        let list = list.output(|| {
            let faces = ListFacesOutput::builder().faces(face("f1", "a-1:0123456789abcde")).next_token("next");
            faces.faces(face("f2", "a-11:0123456789abcde")).build()
        });
        let list = list.output(|| ListFacesOutput::builder().faces(face("f3", "a-1:fedcba987654321")).build()).build();
        let delete = mock!(Client::delete_faces)
            .match_requests(|request| request.face_ids() == ["f1", "f3"] && request.collection_id() == Some("faces"))
            .then_output(|| DeleteFacesOutput::builder().deleted_faces("f1").deleted_faces("f3").build());
        assert_eq!(erased(&[&list, &delete]).await.expect("erased"), Output { faces: 2 });
    }

    #[tokio::test]
    async fn without_a_face_nothing_is_deleted() {
        let list = mock!(Client::list_faces)
            .then_output(|| ListFacesOutput::builder().faces(face("f2", "another:0123456789abcde")).build());
        assert_eq!(erased(&[&list]).await.expect("erased"), Output { faces: 0 });
    }

    #[tokio::test]
    async fn throttling_is_transient() {
        let throttled = mock!(Client::list_faces).then_error(|| {
            let code = aws_sdk_rekognition::error::ErrorMetadata::builder().code("ThrottlingException").build();
            ListFacesError::generic(code)
        });
        assert_eq!(erased(&[&throttled]).await.expect_err("throttled").name(), ErrorName::Transient);
    }
}
