//! Who may call: the `Host` check against DNS rebinding, and the origins of web pages.

use std::net::IpAddr;

use axum::extract::{Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::State;
use crate::error::{ApiError, Code};

/// Refuses requests for other hosts, and writes from pages of other origins.
pub(crate) async fn guard(
    Extract(state): Extract<State>,
    request: Request,
    next: Next,
) -> Response {
    match check(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(state: &State, request: &Request) -> Result<(), ApiError> {
    let host = host(request.uri(), request.headers());
    match host {
        Some(host) if !host_is_allowed(state, host) => {
            return Err(ApiError::new(
                Code::HostNotAllowed,
                format!(
                    "this server is not `{host}`; call it by its own name, or add the name to \
                     `server.allowed_hosts`"
                ),
            ));
        }
        None if request.version() == axum::http::Version::HTTP_11 => {
            return Err(ApiError::new(Code::InvalidHeader, "the `Host` header is missing"));
        }
        Some(_) | None => {}
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    // A form of any page can be posted here without a preflight: CORS alone would only hide the
    // answer, not stop the job.
    if request.method().is_safe() {
        return Ok(());
    }
    if origin_is_allowed(state, origin, host) {
        return Ok(());
    }
    let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
    Err(ApiError::new(
        Code::OriginNotAllowed,
        format!("pages of `{origin}` may not call this server; add it to `server.allowed_origins`"),
    ))
}

/// Lets pages of the allowed origins send what the API takes and read what it answers.
pub(crate) fn cors(state: &State) -> CorsLayer {
    let state = state.clone();
    let allowed = move |origin: &HeaderValue, parts: &Parts| {
        origin_is_allowed(&state, origin, host(&parts.uri, &parts.headers))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("prefer"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("idempotency-replayed"),
            HeaderName::from_static("preference-applied"),
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(std::time::Duration::from_secs(3600))
}

/// The host that a request addresses, with its port.
pub(crate) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|host| host.to_str().ok()),
    }
}

fn host_is_allowed(state: &State, host: &str) -> bool {
    let name = without_port(host);
    let allowed = &state.parts.config.allowed_hosts;
    if allowed.iter().any(|allowed| without_port(allowed).eq_ignore_ascii_case(name)) {
        return true;
    }
    if state.parts.listen.ip().is_loopback() { is_local(name) } else { allowed.is_empty() }
}

fn origin_is_allowed(state: &State, origin: &HeaderValue, host: Option<&str>) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let allowed = &state.parts.config.allowed_origins;
    if allowed
        .iter()
        .any(|allowed| allowed == "*" || allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
    {
        return true;
    }
    let Some((_, authority)) = origin.split_once("://") else { return false };
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        || (state.parts.listen.ip().is_loopback() && is_local(without_port(authority)))
}

/// Whether a name can only mean this machine.
fn is_local(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            // An IPv6 address without brackets has no port.
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_cut_off_hosts() {
        for (host, name) in [
            ("localhost:8080", "localhost"),
            ("localhost", "localhost"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("::1", "::1"),
        ] {
            assert_eq!(without_port(host), name, "{host}");
            assert!(is_local(name), "{host}");
        }
        for name in ["localhost.example.org", "10.0.0.1", "127.0.0.1.example.org", ""] {
            assert!(!is_local(name), "{name}");
        }
    }
}
