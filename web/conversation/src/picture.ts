/** Larger pictures are made smaller: more pixels do not help to read a document or to recognize a face. */
const LONGEST_SIDE = 4096;
const MAX_FILE_BYTES = 60 * 1024 * 1024;
/** What the address of an upload accepts. */
const MAX_UPLOAD_BYTES = 5 * 1024 * 1024;
const QUALITIES = [0.92, 0.8, 0.6];

/** Why a file is not sent, by the text that says so. */
export class PictureError extends Error {
  readonly problem: "notAPicture" | "tooLarge";

  constructor(problem: PictureError["problem"]) {
    super(problem);
    this.problem = problem;
  }
}

/**
 * Draws the picture of a file again: upright, and without the data that cameras add, such as the location.
 *
 * @returns A JPEG.
 * @throws PictureError
 */
export async function pictureOf(file: Blob): Promise<Blob> {
  if (file.size > MAX_FILE_BYTES) throw new PictureError("tooLarge");
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new PictureError("notAPicture");
  });
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext("2d");
    if (context === null) throw new PictureError("notAPicture");
    // JPEG has no transparency.
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const drawn = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
      if (drawn !== null && drawn.size <= MAX_UPLOAD_BYTES) return drawn;
    }
    throw new PictureError("tooLarge");
  } finally {
    bitmap.close();
  }
}
