/**
 * The message for each code of the API, and the place to correct it. The API's own sentences are partly for developers; the details that
 * the page handles itself (encodings, keys, sizes) are not mentioned.
 *
 * @typedef {"picture" | "token" | "none"} Place The picture, the token, or no place on this page.
 * @typedef {{ text: string, place: Place, retry?: "same" | "new" }} Message `retry`: sending it again may help, as the same request, or as a new one.
 */

const BROKEN =
  "This page and the service have different versions. Reload the page; if it happens again, tell the operator of this service.";

export const MESSAGES = /** @satisfies {Readonly<Record<string, Message>>} */ ({
  REQUEST_INVALID: { text: "Something in the form is not as the service needs it. Check every field.", place: "none" },
  IMAGE_ENCODING_INVALID: { text: BROKEN, place: "none" },
  IDEMPOTENCY_KEY_INVALID: { text: BROKEN, place: "none" },
  NOT_AUTHENTICATED: { text: "The access token is missing, wrong or too old. Ask for a new one.", place: "token" },
  NOT_AUTHORIZED: { text: "Your access does not cover this. Ask the operator of this service for more.", place: "token" },
  FACE_NOT_FOUND: { text: "This face is not registered any more. Register it again.", place: "none" },
  UPLOAD_NOT_FOUND: { text: "The picture did not arrive. Send it once more.", place: "none", retry: "new" },
  ROUTE_NOT_FOUND: { text: BROKEN, place: "none" },
  FACE_DUPLICATE: { text: "This face is registered already. It can be verified, and need not be registered again.", place: "none" },
  FACE_DUPLICATE_CONCURRENT: {
    text: "The same face was being registered somewhere else at the same moment, so neither counts. Send it once more.",
    place: "none",
    retry: "new",
  },
  REQUEST_IN_PROGRESS: {
    text: "Your first request is still being processed. Wait a moment, then send it once more.",
    place: "none",
    retry: "same",
  },
  IMAGE_TOO_LARGE: { text: "The picture is too large. Choose a smaller one, or use the camera.", place: "picture" },
  REQUEST_TOO_LARGE: { text: "The picture is too large. Choose a smaller one, or use the camera.", place: "picture" },
  MEDIA_TYPE_UNSUPPORTED: { text: BROKEN, place: "none" },
  IMAGE_NOT_PLAIN: { text: "The file holds more than a picture. Save it as a plain JPEG or PNG, or use the camera.", place: "picture" },
  IDEMPOTENCY_KEY_REUSED: { text: "What you sent has changed since the first try. Send it once more.", place: "none", retry: "new" },
  REQUESTS_THROTTLED: {
    text: "Too many people use this service at the moment. Wait a minute, then send it once more.",
    place: "none",
    retry: "same",
  },
  QUOTA_EXCEEDED: { text: "The quota of this service is used up for now. Ask its operator for a higher one.", place: "none" },
  INTERNAL_ERROR: {
    text: "The service has an error, and its operators are informed. Sending it again does not help now.",
    place: "none",
  },
  SERVICE_UNAVAILABLE: {
    text: "The service cannot do this just now. Nothing is lost: send it once more in a moment.",
    place: "none",
    retry: "same",
  },
  SERVICE_TIMED_OUT: { text: "This took too long. Nothing is lost: send it once more in a moment.", place: "none", retry: "same" },
  SELFIE_NOT_AN_IMAGE: { text: "This is no JPEG or PNG picture. Choose another one, or use the camera.", place: "picture" },
  SELFIE_TOO_LARGE: { text: "The picture is too large. Choose a smaller one, or use the camera.", place: "picture" },
  SELFIE_TOO_SMALL: { text: "The picture is too small. Choose a larger one, or use the camera.", place: "picture" },
  SELFIE_UNREADABLE: { text: "The picture could not be opened. Take or choose another one.", place: "picture" },
  SELFIE_FACE_NOT_FOUND: { text: "No face was found on the picture. Take another one in good light.", place: "picture" },
  SELFIE_FACE_UNCLEAR: { text: "The face is not clear enough. Take another picture in good light.", place: "picture" },
  SELFIE_MULTIPLE_FACES: { text: "There is more than one face on the picture. Take one of a single person.", place: "picture" },
  SELFIE_TOO_DARK: { text: "The picture is too dark. Take another one in good light.", place: "picture" },
  SELFIE_TOO_BLURRED: { text: "The picture is blurred. Hold the camera still and take another one.", place: "picture" },
  SELFIE_FACE_TURNED: { text: "The face is turned away. Look straight into the camera and take another picture.", place: "picture" },
  SELFIE_SUNGLASSES_WORN: { text: "Take off the sunglasses and take another picture.", place: "picture" },
  SELFIE_FACE_COVERED: { text: "Something covers the face. Uncover it and take another picture.", place: "picture" },
  SELFIE_QUALITY_LOW: { text: "The face is too dark, too blurred, or seen from the side. Take another picture.", place: "picture" },
});

/** Errors without an answer of the API. */
export const LOCAL = /** @satisfies {Readonly<Record<string, Message>>} */ ({
  NETWORK: { text: "The service could not be reached. Check your connection, then send it once more.", place: "none", retry: "same" },
  UNKNOWN: {
    text: "This page does not know the answer of the service. Reload the page and try once more.",
    place: "none",
    retry: "same",
  },
  UPLOAD_FAILED: { text: "The picture could not be sent. Check your connection, then send it once more.", place: "none", retry: "new" },
  PICTURE_MISSING: { text: "Take a picture, or choose one.", place: "picture" },
  CAMERA_MISSING: { text: "No camera was found. Choose a picture instead.", place: "picture" },
  CAMERA_REFUSED: { text: "The camera may not be used. Allow it in your browser, or choose a picture instead.", place: "picture" },
  CAMERA_BUSY: { text: "The camera could not be started; perhaps another program uses it. Choose a picture instead.", place: "picture" },
});

/** The message for each invalid field, by name. */
export const FIELDS = /** @type {const} */ ({
  firstName: "Enter the first name, up to 100 characters, with letters.",
  lastName: "Enter the last name, up to 100 characters, with letters.",
  dateOfBirth: "Enter the date of birth: a day from 1900 on that is not in the future.",
  phoneNumber: "Enter the phone number: 5 to 15 digits, with or without a + before them.",
  token: "Enter the access token.",
});
