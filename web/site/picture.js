import { Refusal } from "./api.js";
import { LOCAL, MESSAGES } from "./messages.js";

/** Longer sides are made shorter: no service sees more in a face than this. */
const LONGEST_SIDE = 4096;
/** Of a file that is looked at: beyond it is no photograph. */
const MAX_FILE_BYTES = 60 * 1024 * 1024;
const JPEG_QUALITY = 0.92;

/**
 * What a file shows, drawn anew: upright, and without what cameras write beside it, such as the place where it was taken, a second
 * picture or a film.
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

/** A camera that shows what it sees in a `<video>`. */
export class Camera {
  #video;
  /** @type {MediaStream | undefined} */
  #stream;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  async open() {
    // Undefined on pages that were not sent over TLS.
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

  /** @returns {Promise<Blob>} A JPEG of what it sees now. */
  take() {
    return drawn(this.#video, this.#video.videoWidth, this.#video.videoHeight);
  }

  /** Also puts out the light beside it. */
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
  // JPEG knows no transparency: without this, it would be black.
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
