import { Refusal } from "./api.js";
import { LOCAL, MESSAGES } from "./messages.js";

/** Larger pictures are made smaller: more pixels do not help to recognize a face. */
const LONGEST_SIDE = 4096;
/** The maximum size of a file that is read. */
const MAX_FILE_BYTES = 60 * 1024 * 1024;
const JPEG_QUALITY = 0.92;

/**
 * Draws the picture of a file again: upright, and without the data that cameras add, such as the location, a second picture or a film.
 *
 * @param {Blob} file
 * @returns {Promise<Blob>} A JPEG.
 */
export async function pictureOfFile(file) {
  if (file.size > MAX_FILE_BYTES) throw refused("SELFIE_TOO_LARGE");
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw refused("SELFIE_NOT_AN_IMAGE");
  }
  try {
    return await drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** A camera with its preview in a `<video>`. */
export class Camera {
  #video;
  /** @type {MediaStream | undefined} */
  #stream;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  async open() {
    // Undefined on pages without TLS.
    if (!navigator.mediaDevices) throw new Refusal([LOCAL.CAMERA_MISSING]);
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
      this.#video.srcObject = this.#stream;
      await this.#video.play();
    } catch (error) {
      this.close();
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotAllowedError" || name === "SecurityError") throw new Refusal([LOCAL.CAMERA_REFUSED]);
      throw new Refusal([name === "NotFoundError" || name === "OverconstrainedError" ? LOCAL.CAMERA_MISSING : LOCAL.CAMERA_BUSY]);
    }
  }

  /** @returns {Promise<Blob>} A JPEG of the current frame. */
  take() {
    return drawn(this.#video, this.#video.videoWidth, this.#video.videoHeight);
  }

  /** Stops the camera, which also switches off its light. */
  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = undefined;
    this.#video.srcObject = null;
  }
}

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Blob>}
 */
async function drawn(source, width, height) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw refused("SELFIE_UNREADABLE");
  // JPEG has no transparency: without this, transparent pixels would be black.
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) =>
    canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY),
  );
  if (!blob) throw refused("SELFIE_UNREADABLE");
  return blob;
}

/** @param {keyof typeof MESSAGES} code */
function refused(code) {
  return new Refusal([MESSAGES[code]]);
}
