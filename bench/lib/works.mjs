// The works that are measured, each said twice: as a request to imagehq and as a chain of sharp's.
// `inputs` is a folder of bench/data.

// A teal-and-orange look as sharp can say it: a matrix and a contrast curve that is a line.
const matrix = [
  [1.08, 0.02, -0.04],
  [-0.01, 1.02, 0.01],
  [-0.03, 0.06, 1.02],
];

const step = (operation, request) => ({ operation, request });
const resize = (width) => step("transform", { operations: [{ type: "resize", width }] });
const cinematic = step("filter", { filters: [{ intensity: 72, type: "cinematic" }] });
const toWebp = step("optimize", { input_format: "png", operation: "convert_to_webp" });
const toJpeg = step("convert", { output: { output_format: "jpg", quality: 80 } });
const toPng = step("convert", { output_format: "png" });

/** The request with its last step, which sets the format, made lossless: a score needs it. */
export function lossless(request) {
  return { steps: [...request.steps.slice(0, -1), toPng] };
}

export const pageRequest = { steps: [resize(1600), cinematic, toWebp] };

export const serviceRequest = { steps: [resize(256), cinematic, toWebp] };

const graded = (image) => image.resize(1600).recomb(matrix).linear(1.06, -6);

export const works = {
  page: {
    title: "JPEG → 1600 → cinematic 72 → WebP (the page's pipeline)",
    inputs: "photos",
    request: pageRequest,
    sharp: { pixels: graded, encode: (image) => image.webp({ quality: 80 }) },
  },
  "page-saturation": {
    title: "the same, sharp with .modulate({saturation}) added",
    inputs: "photos",
    request: pageRequest,
    sharp: {
      pixels: (image) => graded(image).modulate({ saturation: 0.9 }),
      encode: (image) => image.webp({ quality: 80 }),
    },
  },
  "jpeg-jpeg": {
    title: "JPEG → 1600 → JPEG q80",
    inputs: "photos",
    request: { steps: [resize(1600), toJpeg] },
    sharp: {
      pixels: (image) => image.resize(1600),
      encode: (image) => image.jpeg({ quality: 80 }),
    },
  },
  "jpeg-webp": {
    title: "JPEG → 1600 → WebP q80",
    inputs: "photos",
    request: { steps: [resize(1600), toWebp] },
    sharp: {
      pixels: (image) => image.resize(1600),
      encode: (image) => image.webp({ quality: 80 }),
    },
  },
  png: {
    title: "PNG → 1600 → PNG",
    inputs: "pngs",
    request: { steps: [resize(1600), toPng] },
    sharp: { pixels: (image) => image.resize(1600), encode: (image) => image.png() },
  },
  thumbnail: {
    title: "JPEG → 200 → JPEG q80 (thumbnail)",
    inputs: "photos",
    request: { steps: [resize(200), toJpeg] },
    sharp: {
      pixels: (image) => image.resize(200),
      encode: (image) => image.jpeg({ quality: 80 }),
    },
  },
};

/** The three steps of the service benchmark, as sharp says them. */
export function serviceSteps(image) {
  return image.resize(256).recomb(matrix).linear(1.06, -6).webp({ quality: 80 });
}
