//! `Idempotency-Key`: the same key and payload make one job, however often they are sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use jobs::job::InputFile;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{ApiError, Code};

/// The longest key that is accepted; a UUID has 36.
const KEY_MAX: usize = 255;

/// A key and where it counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The path: the same key elsewhere is another key.
    pub(crate) scope: String,
    /// As the client sent it.
    pub(crate) key: String,
}

impl Key {
    /// The key of a request, if it has one.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut values = headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(None) };
        let visible = |text: &&str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let key = value.to_str().ok().filter(visible).map(str::trim);
        match key {
            Some(key) if !key.is_empty() && key.len() <= KEY_MAX && values.next().is_none() => {
                Ok(Some(Self { scope: path.to_owned(), key: key.to_owned() }))
            }
            _ => Err(ApiError::new(
                Code::InvalidHeader,
                format!(
                    "`Idempotency-Key` must be sent once and have 1 to {KEY_MAX} visible ASCII \
                     characters; a UUID is best"
                ),
            )),
        }
    }
}

/// The keys whose requests are still uploading.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<Key>>>);

/// A key that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    keys: InFlight,
    key: Key,
}

impl InFlight {
    /// Takes a key, or `None` when another request holds it.
    pub(crate) fn take(&self, key: &Key) -> Option<Taken> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.clone()).then(|| Taken { keys: self.clone(), key: key.clone() })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

/// What makes two requests the same: the document, whatever its spelling, and the contents of the
/// files, whatever their names.
pub(crate) fn payload_sha256(request: &Value, inputs: &[InputFile]) -> String {
    let mut hash = Sha256::new();
    let mut document = String::new();
    write_canonical(request, &mut document);
    hash.update(document.as_bytes());
    for input in inputs {
        // A digest has no zero byte: the parts cannot run into each other.
        hash.update([0]);
        hash.update(input.sha256.as_bytes());
    }
    hex(&hash.finalize())
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// JSON without spaces, members in the order of their names.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, member) in members {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(member, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(filename: &str, sha256: &str) -> InputFile {
        InputFile {
            filename: filename.into(),
            format: "png".into(),
            mime_type: "image/png".into(),
            size_bytes: 1,
            sha256: sha256.into(),
            blob: filename.into(),
        }
    }

    #[test]
    fn spelling_and_names_do_not_count_but_contents_do() {
        let document: Value = serde_json::from_str(r#"{"a":[1,{"x":1,"y":2}],"b":"c"}"#).unwrap();
        let respelled = json!({ "b": "c", "a": [1, { "y": 2, "x": 1 }] });
        let digest = payload_sha256(&document, &[input("a.png", "aa"), input("b.png", "bb")]);
        assert_eq!(digest, payload_sha256(&respelled, &[input("c", "aa"), input("d", "bb")]));
        assert_ne!(digest, payload_sha256(&document, &[input("a", "bb"), input("b", "aa")]));
        assert_ne!(digest, payload_sha256(&document, &[input("a", "aa")]));
        assert_ne!(digest, payload_sha256(&json!({ "b": "c" }), &[input("a", "aa")]));
    }

    #[test]
    fn a_key_is_taken_until_its_request_ends() {
        let keys = InFlight::default();
        let key = |scope: &str| Key { scope: scope.into(), key: "k".into() };
        let taken = keys.take(&key("/v1/pipeline"));
        assert!(taken.is_some());
        assert!(keys.take(&key("/v1/pipeline")).is_none());
        assert!(keys.take(&key("/v1/convert")).is_some(), "another path is another key");
        drop(taken);
        assert!(keys.take(&key("/v1/pipeline")).is_some());
    }

    #[test]
    fn keys_that_cannot_be_kept_are_refused() {
        let of = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = axum::http::HeaderValue::from_bytes(value).unwrap();
                headers.append("idempotency-key", value);
            }
            Key::of("/v1/pipeline", &headers)
        };
        assert!(of(&[]).unwrap().is_none());
        assert_eq!(of(&[b" abc "]).unwrap().unwrap().key, "abc");
        for bad in [&[&b""[..]][..], &[b"a", b"b"], &[&[b'x'; 256]], &["é".as_bytes()]] {
            assert_eq!(of(bad).unwrap_err().code, Code::InvalidHeader, "{bad:?}");
        }
    }
}
