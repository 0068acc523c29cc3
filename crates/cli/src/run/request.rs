//! What is to be done to which files, from the arguments.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use imaging::{FORMATS, Fault, Format, Header, Limits, Plan, format};
use serde_json::Value;

use crate::args::RunArgs;
use crate::run::short_form::{Typed, TypedStep};
use crate::run::target::Target;
use crate::{catalog, terminal};

/// What is to be done to which files.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) document: Value,
    /// The document, checked.
    pub(super) plan: Plan,
    /// The files that the pipeline runs on.
    pub(super) inputs: Vec<Input>,
    /// The files that its operations use beside them, with their places in the arguments.
    pub(super) files: Vec<(usize, Input)>,
    pub(super) target: Target,
    origin: Origin,
}

/// A file that goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("stdin"),
            Self::File(path) => f.write_str(&terminal::name(path)),
        }
    }
}

/// Where the document comes from, to say where a fault is.
#[derive(Debug)]
enum Origin {
    File(PathBuf),
    Typed(Typed),
}

impl Request {
    /// Reads the arguments. All that can be refused before any work is.
    pub(super) fn new(args: &RunArgs, limits: &Limits) -> anyhow::Result<Self> {
        let (mut document, origin, inputs) = match pipeline(&args.arguments)? {
            Some((path, document)) => {
                let inputs = args.arguments[1..].iter();
                let inputs = inputs.map(|name| input(name)).collect::<Result<_, _>>()?;
                (document, Origin::File(path), inputs)
            }
            None => {
                let (inputs, mut typed) = typed(&args.arguments)?;
                let named = args.output.as_deref().and_then(named_format);
                named.inspect(|format| typed.convert_to(format.name));
                (typed.document.clone(), Origin::Typed(typed), inputs)
            }
        };
        if inputs.is_empty() {
            bail!("no input file is named");
        }
        if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
            bail!("stdin (-) can be read only once");
        }
        let (inputs, files) = match &origin {
            Origin::Typed(typed) if typed.is_empty() => (inputs, Vec::new()),
            // Before `-o` is looked at: which files the steps use decides how many results there
            // are, and a fault of a step would be told as one of `-o`.
            _ => {
                let plan = parse(&document, &origin, limits)?;
                check_files(&plan, &origin, inputs.len(), &[])?;
                roles(&plan, inputs)
            }
        };
        let target = match &args.output {
            Some(output) => Target::new(output, inputs.len())?,
            None => Target::Nowhere,
        };
        let mut origin = origin;
        match (wanted_format(&document, &target)?, &mut origin) {
            // Without a step it is a conversion to what the name of the result says.
            (Some(format), Origin::Typed(typed)) if typed.is_empty() => {
                *typed = Typed::conversion(format);
                document = typed.document.clone();
            }
            (_, Origin::Typed(typed)) if typed.is_empty() => bail!(
                "no step is named, such as resize:width=1600; `imagehq ops` lists them \
                 (-o NAME.webp alone converts)"
            ),
            (Some(format), _) => document["output_format"] = format.into(),
            (None, _) => {}
        }
        let plan = parse(&document, &origin, limits)?;
        Ok(Self { document, plan, inputs, files, target, origin })
    }

    /// Whether the files are what the steps want of them, as far as these headers tell. Each comes
    /// with its place in the arguments.
    pub(super) fn check_files(&self, known: &[(usize, Header)]) -> anyhow::Result<()> {
        check_files(&self.plan, &self.origin, self.inputs.len() + self.files.len(), known)
    }

    /// The inputs with their places in the arguments.
    pub(super) fn placed_inputs(&self) -> impl Iterator<Item = (usize, &Input)> {
        let places = self.plan.inputs(self.inputs.len() + self.files.len());
        places.into_iter().zip(&self.inputs)
    }

    /// A fault as a line: where, what, what was meant.
    pub(super) fn line(&self, fault: &Fault) -> String {
        self.origin.line(fault)
    }

    /// A step as people know it: what they typed, or its number in their document.
    pub(super) fn step(&self, index: usize) -> String {
        let typed = match &self.origin {
            Origin::File(_) => None,
            Origin::Typed(typed) => typed.step(index),
        };
        typed.unwrap_or_else(|| format!("/steps/{index}"))
    }

    /// A message of the engine, with typed arguments instead of pointers into their document.
    pub(super) fn explain(&self, message: &str) -> String {
        let Origin::Typed(typed) = &self.origin else { return message.to_owned() };
        let Some((before, pointer)) = message.rsplit_once(" (/") else { return message.to_owned() };
        let pointer = format!("/{}", pointer.trim_end_matches(')'));
        match typed.origin(&pointer) {
            Some(argument) => format!("{argument}: {before}"),
            None => message.to_owned(),
        }
    }

    /// How many steps there are.
    pub(super) fn steps(&self) -> usize {
        self.document["steps"].as_array().map_or(0, Vec::len)
    }
}

impl Origin {
    /// A fault as a line: where, what, what was meant.
    fn line(&self, fault: &Fault) -> String {
        let place = match self {
            Self::File(path) => format!("{}: {}", path.display(), fault.pointer),
            Self::Typed(typed) => match typed.origin(&fault.pointer) {
                Some(argument) => argument.to_owned(),
                None => fault.pointer.clone(),
            },
        };
        let meant = fault.suggestion.as_ref();
        let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        format!("{place}: {}{meant}", fault.message)
    }
}

/// One error that says all faults, a line each.
fn refusal(lines: impl Iterator<Item = String>) -> anyhow::Error {
    anyhow!("{}", lines.collect::<Vec<_>>().join("\nimagehq: "))
}

fn parse(document: &Value, origin: &Origin, limits: &Limits) -> anyhow::Result<Plan> {
    match Plan::parse("pipeline", document, limits) {
        Ok((_, plan)) => Ok(plan),
        Err(faults) => Err(refusal(faults.iter().map(|fault| origin.line(fault)))),
    }
}

/// Whether the steps name files that are there, of the right kind where the header is known, and
/// leave one to work on. It is the check of the server, so that both refuse the same.
fn check_files(
    plan: &Plan,
    origin: &Origin,
    count: usize,
    known: &[(usize, Header)],
) -> anyhow::Result<()> {
    let mut headers: Vec<Option<Header>> = vec![None; count];
    for (place, header) in known {
        headers[*place] = Some(header.clone());
    }
    let line = |fault: &Fault| {
        // `/files` points at the arguments: it is no place in the document.
        let of_files = fault.pointer.starts_with("/files");
        if of_files { fault.message.clone() } else { origin.line(fault) }
    };
    plan.check_files(&headers).map_err(|faults| refusal(faults.iter().map(line)))
}

/// The files that the pipeline runs on, and those that its operations name.
fn roles(plan: &Plan, named: Vec<Input>) -> (Vec<Input>, Vec<(usize, Input)>) {
    let inputs: BTreeSet<usize> = plan.inputs(named.len()).into_iter().collect();
    let (inputs, files): (Vec<_>, Vec<_>) =
        named.into_iter().enumerate().partition(|(index, _)| inputs.contains(index));
    (inputs.into_iter().map(|(_, input)| input).collect(), files)
}

/// The pipeline document, if the first argument is one.
fn pipeline(arguments: &[OsString]) -> anyhow::Result<Option<(PathBuf, Value)>> {
    let is_json = |path: &&Path| path.as_os_str().as_encoded_bytes().ends_with(b".json");
    let Some(path) = arguments.first().map(Path::new).filter(is_json) else {
        return Ok(None);
    };
    let first = terminal::name(path);
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {first}"))?;
    let document: Value =
        serde_json::from_str(&text).with_context(|| format!("{first} is not valid JSON"))?;
    if document.get("steps").is_none() {
        bail!(
            "{first} is no pipeline: it holds no `steps`, such as \
             {{\"steps\": [{{\"operation\": …, \"request\": …}}]}}"
        );
    }
    Ok(Some((path.to_owned(), document)))
}

/// Tells files from steps: a step begins with the name of an operation.
fn typed(arguments: &[OsString]) -> anyhow::Result<(Vec<Input>, Typed)> {
    let (mut inputs, mut steps) = (Vec::new(), Vec::new());
    for argument in arguments {
        // Names of files are bytes; steps are text.
        let Some(text) = argument.to_str() else {
            inputs.push(input(argument)?);
            continue;
        };
        let name = TypedStep::name(text);
        let is_file = Path::new(text).exists();
        let looks_like_step = text.contains('=') && !is_file;
        if catalog::is_known(name) || looks_like_step {
            steps.push(TypedStep::parse(text).map_err(anyhow::Error::msg)?);
        } else if text == "-" || is_file || text.contains(['/', '.']) {
            inputs.push(input(argument)?);
        } else {
            let fault = TypedStep::parse(text).err().unwrap_or_default();
            bail!("{text}: no such file, and {fault}");
        }
    }
    Ok((inputs, Typed::new(steps)))
}

fn input(name: &OsStr) -> anyhow::Result<Input> {
    if name == "-" {
        return Ok(Input::Stdin);
    }
    let path = Path::new(name);
    let text = terminal::name(path);
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => bail!("{text}: is a folder; name its files: {text}/*"),
        Ok(_) => Ok(Input::File(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!("{text}: no such file"),
        Err(error) => bail!("{text}: {error}"),
    }
}

/// The format that the extension of the result asks for, unless the document asks for one.
fn wanted_format(document: &Value, target: &Target) -> anyhow::Result<Option<&'static str>> {
    if chooses_format(document) {
        return Ok(None);
    }
    let Target::File(path) = target else { return Ok(None) };
    match named_format(path.as_os_str()) {
        Some(format) => Ok(Some(format.name)),
        None => {
            let writable = FORMATS.iter().filter(|format| format.encode.is_some());
            let writable: Vec<_> = writable.map(|format| format!(".{}", format.name)).collect();
            let what = match target.extension() {
                Some(extension) => format!("`.{extension}` is no format that can be written"),
                None => "the name has no extension that says the format".to_owned(),
            };
            bail!("-o {}: {what}; there are {}", path.display(), writable.join(", "))
        }
    }
}

/// The format that the name of one result asks for, if it can be written.
fn named_format(output: &OsStr) -> Option<&'static Format> {
    let target = Target::new(output, 1).ok()?;
    let known = target.extension().and_then(format::by_name);
    known.filter(|format| format.encode.is_some())
}

/// Whether a step, or the document as a whole, says which format the result has.
fn chooses_format(document: &Value) -> bool {
    let chooses = |request: &Value| {
        let named = [&request["output_format"], &request["output"]["output_format"]];
        let named = named.iter().any(|name| name.is_string() && **name != "same_as_input");
        let method = request["operation"].as_str().unwrap_or_default();
        named || method.starts_with("convert_to_")
    };
    let steps = document["steps"].as_array().into_iter().flatten();
    chooses(document) || steps.map(|step| &step["request"]).any(chooses)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(arguments: &[&str], output: &str) -> anyhow::Result<Request> {
        let arguments = arguments.iter().map(OsString::from).collect();
        let args = RunArgs {
            arguments,
            output: Some(output.into()),
            explain: false,
            jobs: None,
            quiet: false,
        };
        Request::new(&args, &Limits::default())
    }

    #[track_caller]
    fn refuses(arguments: &[&str], output: &str, expected: &str) {
        assert_eq!(request(arguments, output).unwrap_err().to_string(), expected);
    }

    #[test]
    fn files_and_steps_come_in_any_order() {
        let request = request(&["flip", "-", "sepia:intensity=5"], "-").unwrap();
        assert_eq!(request.inputs, [Input::Stdin]);
        assert_eq!(request.steps(), 2);
        assert_eq!(request.step(1), "sepia:intensity=5");
    }

    #[test]
    fn the_extension_is_the_format_unless_the_document_says() {
        let format = |steps: Value, output: &str| {
            wanted_format(&json!({"steps": steps}), &Target::new(output.as_ref(), 1).unwrap())
                .unwrap()
        };
        let flip = json!([{"operation": "transform", "request": {"operations": []}}]);
        assert_eq!(format(flip.clone(), "a.jpeg"), Some("jpg"));
        assert_eq!(format(flip, "dir/"), None);
        let to_png = json!([{"operation": "convert", "request": {"output_format": "png"}}]);
        assert_eq!(format(to_png, "a.webp"), None);
        let compress = json!([{"operation": "optimize", "request": {"operation": "compress"}}]);
        assert_eq!(format(compress, "a.webp"), Some("webp"));
    }

    #[test]
    fn without_a_step_it_is_a_conversion() {
        let request = request(&["-"], "a.jpeg").unwrap();
        let convert = json!([{"operation": "convert", "request": {"output_format": "jpg"}}]);
        assert_eq!(request.document, json!({"steps": convert}));
        assert_eq!(request.step(0), "convert:output_format=jpg");
    }

    #[test]
    fn a_conversion_without_a_format_goes_to_that_of_the_result() {
        let request = |step: &str, output: &str| super::tests::request(&["-", step], output);
        let steps = |step, output| request(step, output).unwrap().document["steps"].clone();
        let convert = |format: &str| {
            let request = json!({"output_format": format, "output": {"quality": 90}});
            json!([{"operation": "convert", "request": request}])
        };
        assert_eq!(steps("convert:quality=90", "a.webp"), convert("webp"));
        assert_eq!(steps("convert:quality=90,output_format=png", "a.webp"), convert("png"));
        let missing = request("convert:quality=90", "a/").unwrap_err().to_string();
        assert!(
            missing.starts_with("convert:quality=90: \"output_format\" is missing"),
            "{missing}"
        );
    }

    #[test]
    fn what_cannot_be_is_said_before_any_work() {
        let no_step = "no step is named, such as resize:width=1600; `imagehq ops` lists them \
                       (-o NAME.webp alone converts)";
        refuses(&["-"], "-", no_step);
        refuses(&["-"], "a/", no_step);
        refuses(&["flip"], "a.png", "no input file is named");
        refuses(&["-", "-"], "a/", "stdin (-) can be read only once");
        refuses(&["nope.jpg"], "a.png", "nope.jpg: no such file");
        refuses(
            &["nope"],
            "a.png",
            "nope: no such file, and there is no operation `nope`; `imagehq ops` lists them",
        );
        refuses(
            &["-", "flip"],
            "a.tga",
            "-o a.tga: `.tga` is no format that can be written; there are .jpg, .png, \
             .webp, .gif, .avif, .jxl, .pdf, .tiff, .bmp, .ico, .pnm, .qoi, .farbfeld",
        );
        refuses(
            &["-", "sepia:intensity=101"],
            "a.png",
            "sepia:intensity=101: expected a number from 0 to 100, got 101",
        );
        refuses(
            &["-", "overlay:file_index=0"],
            "a.png",
            "every file is used by an operation; send one to work on",
        );
        refuses(
            &["-", "overlay:file_index=7"],
            "a.png",
            "overlay:file_index=7: there is no file 7: 1 file came, counted from 0",
        );
    }
}
