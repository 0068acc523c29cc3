//! docs/errors.md, from the table of codes.

use std::fmt::Write as _;

use server::CODES;

const HEAD: &str = "\
# Errors

Every answer with a status from 400 up is an `application/problem+json` document (RFC 9457):

```json
{
  \"type\": \"/docs/errors#invalid_request\",
  \"title\": \"Invalid request\",
  \"status\": 422,
  \"detail\": \"1 fault in the request\",
  \"code\": \"invalid_request\",
  \"request_id\": \"…\",
  \"errors\": [
    {
      \"pointer\": \"/steps/0/request/operations/0/widht\",
      \"message\": \"unknown field \\\"widht\\\"\",
      \"suggestion\": \"width\"
    }
  ]
}
```

Branch on `code`: it never changes its meaning. `errors` has an entry for every fault at once, with
a JSON pointer into the `request` document, or `/files/<index>` for a file.

A job that fails is no error of HTTP: `GET /v1/jobs/{id}` answers 200 with `status: failed` and
`error: {code, message, step_index}`.

";

pub(super) fn document() -> String {
    let mut out = HEAD.to_owned();
    out.push_str("| code | status | |\n|---|---|---|\n");
    for code in CODES {
        let (name, status, title) = (code.name(), code.status().as_u16(), code.title());
        let _ = writeln!(out, "| [`{name}`](#{name}) | {status} | {title} |");
    }
    for code in CODES {
        let (name, status, title) = (code.name(), code.status().as_u16(), code.title());
        let about = code.about();
        let _ = write!(out, "\n## {name}\n\n{status} {title}. {about}\n");
    }
    out
}
