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

/** What a filter alone costs: raw pixels in, raw pixels out, no codec on either side. */
function rawWork(title, filters, pixels) {
  return {
    title: `${title} (raw pixels, 12 MP)`,
    inputs: "raws",
    request: { steps: [step("filter", { filters }), step("convert", { output_format: "pnm" })] },
    sharp: { pixels, encode: (image) => image.raw() },
    unscored: true,
  };
}

const sepia = [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];

Object.assign(works, {
  "four-steps": {
    title: "JPEG → 1600 → saturation → sharpen → WebP (four steps)",
    inputs: "photos",
    request: {
      steps: [
        resize(1600),
        step("filter", { filters: [{ type: "saturation", value: 15 }] }),
        step("filter", { filters: [{ type: "sharpen", sigma: 1 }] }),
        toWebp,
      ],
    },
    sharp: {
      pixels: (image) => image.resize(1600).modulate({ saturation: 1.15 }).sharpen({ sigma: 1 }),
      encode: (image) => image.webp({ quality: 80 }),
    },
  },
  "png-webp": {
    title: "PNG → WebP q80",
    inputs: "pngs",
    request: { steps: [step("convert", { output: { output_format: "webp", quality: 80 } })] },
    sharp: { pixels: (image) => image, encode: (image) => image.webp({ quality: 80 }) },
  },
  "png-webp-equal": {
    title: "PNG → WebP, ours at 79 and sharp at 80: about the same score",
    inputs: "pngs",
    request: { steps: [step("convert", { output: { output_format: "webp", quality: 79 } })] },
    sharp: { pixels: (image) => image, encode: (image) => image.webp({ quality: 80 }) },
  },
  "webp-decode": {
    title: "WebP → raw pixels (13 MP)",
    inputs: "webps",
    request: { steps: [step("convert", { output_format: "pnm" })] },
    sharp: { pixels: (image) => image, encode: (image) => image.raw() },
    unscored: true,
  },
  "webp-thumbnail": {
    title: "WebP → 400 → JPEG q80",
    inputs: "webps",
    request: { steps: [resize(400), toJpeg] },
    sharp: { pixels: (image) => image.resize(400), encode: (image) => image.jpeg({ quality: 80 }) },
  },
  gif: {
    title: "GIF of 250 frames → 320 → GIF",
    inputs: "gifs",
    request: { steps: [resize(320), step("convert", { output_format: "gif" })] },
    sharp: { animated: true, pixels: (image) => image.resize(320), encode: (image) => image.gif() },
    unscored: true,
  },
  memory: {
    title: "JPEG of 22 and 104 MP → 1600 → JPEG q80",
    inputs: "large",
    request: { steps: [resize(1600), toJpeg] },
    sharp: { pixels: (image) => image.resize(1600), encode: (image) => image.jpeg({ quality: 80 }) },
  },
  blur: rawWork("Gaussian blur, sigma 5", [{ type: "blur", sigma: 5 }], (image) => image.blur(5)),
  "blur-precise": rawWork(
    "the same, sharp in its precise mode",
    [{ type: "blur", sigma: 5 }],
    (image) => image.blur({ sigma: 5, precision: "float" }),
  ),
  matrix: rawWork("sepia against recomb", [{ type: "sepia" }], (image) => image.recomb(sepia)),
  chain: rawWork(
    "brightness, contrast, saturation, hue, sepia",
    [
      { type: "brightness", value: 10 },
      { type: "contrast", value: 15 },
      { type: "saturation", value: 20 },
      { type: "hue", value: 10 },
      { type: "sepia", intensity: 60 },
    ],
    // Each in its own call: sharp keeps the last of two calls of one name.
    (image) => image.modulate({ brightness: 1.1, saturation: 1.2, hue: 18 }).linear(1.15, -19)
      .recomb(sepia),
  ),
  sharpen: rawWork("sharpen", [{ type: "sharpen", sigma: 1 }], (image) => image.sharpen({ sigma: 1 })),
});

for (const effort of [0, 2, 4, 6, 8]) {
  works[`avif-${effort}`] = {
    title: `JPEG → 1600 → AVIF, effort ${effort}`,
    inputs: "photos",
    request: {
      steps: [resize(1600), step("convert", { output: { output_format: "avif", effort } })],
    },
    sharp: {
      pixels: (image) => image.resize(1600),
      encode: (image) => image.avif({ effort, quality: 50 }),
    },
  };
}

/** The three steps of the service benchmark, as sharp says them. */
export function serviceSteps(image) {
  return image.resize(256).recomb(matrix).linear(1.06, -6).webp({ quality: 80 });
}
