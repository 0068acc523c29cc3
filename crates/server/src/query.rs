//! Query strings and conditional headers.

use std::ops::RangeInclusive;

use axum::http::{HeaderMap, HeaderValue, header};
use imaging::Fault;

use crate::error::{ApiError, Code};
use crate::names::nearest;

/// The parameters of a query string, decoded.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// Refuses parameters that are not known: a misspelt filter would filter nothing.
    pub(crate) fn only(&self, known: &[&'static str]) -> Result<(), ApiError> {
        let faults: Vec<Fault> = self
            .0
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, _)| Fault {
                suggestion: nearest(name, known.iter().copied()),
                ..Fault::invalid(
                    format!("/query/{name}"),
                    format!("unknown parameter; known are {}", known.join(", ")),
                )
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(refused(faults)) }
    }

    /// The value of a parameter, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, value)| other == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The whole number that a parameter is.
    pub(crate) fn number(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = range.into_inner();
            let expected = match most {
                u64::MAX => "expected a whole number".to_owned(),
                _ => format!("expected a whole number from {least} to {most}"),
            };
            fault(Fault::invalid(format!("/query/{name}"), expected))
        })
    }
}

/// One parameter is wrong.
pub(crate) fn fault(fault: Fault) -> ApiError {
    refused(vec![fault])
}

fn refused(faults: Vec<Fault>) -> ApiError {
    ApiError::of_faults(Code::InvalidRequest, faults)
}

/// Whether `If-None-Match` names this entity tag (weak comparison, RFC 9110 section 13.1.2).
pub(crate) fn etag_matches(header: Option<&HeaderValue>, etag: &str) -> bool {
    let Some(header) = header.and_then(|value| value.to_str().ok()) else { return false };
    header.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether `If-Match` is there and names other entity tags only (strong comparison, RFC 9110
/// section 13.1.1).
pub(crate) fn etag_differs(header: Option<&HeaderValue>, etag: &str) -> bool {
    let Some(header) = header else { return false };
    let Ok(header) = header.to_str() else { return true };
    !header.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag)
}

/// The seconds that `Prefer: wait=N` (RFC 7240) asks for. What cannot be read is ignored, as the
/// RFC wants.
pub(crate) fn prefer_wait(headers: &HeaderMap) -> Option<u64> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .find_map(|(_, value)| value.trim().trim_matches('"').parse().ok())
        .filter(|seconds| *seconds > 0)
        .map(|seconds: u64| seconds.min(60))
}

/// The length a body will have, when the client says so.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_as_the_rfc_says() {
        for (value, expected) in [
            ("wait=10", Some(10)),
            ("respond-async, wait=10", Some(10)),
            ("Wait = \"10\" ; x=y", Some(10)),
            ("wait=3600", Some(60)),
            ("wait=0", None),
            ("wait=soon", None),
            ("respond-async", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            assert_eq!(prefer_wait(&headers), expected, "{value}");
        }
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        let matches = |value| etag_matches(Some(&HeaderValue::from_static(value)), "\"3\"");
        assert!(matches("\"3\""));
        assert!(matches("\"2\", W/\"3\""));
        assert!(matches("*"));
        assert!(!matches("\"33\""));
        assert!(!matches("3"));
        assert!(!etag_matches(None, "\"3\""));
    }
}
