//! Every route: method, path, handler, name and summary, on one screen.

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post};

use crate::State;

pub(crate) mod catalog;
pub(crate) mod download;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod page;
pub(crate) mod submit;

/// A route as data: the router and the OpenAPI document are made from it.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// `operationId` of the OpenAPI document.
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) handler: MethodRouter<State>,
}

#[rustfmt::skip]
pub(crate) fn table() -> Vec<Route> {
    let route =
        |method, path, handler, name, summary| Route { method, path, name, summary, handler };
    vec![
        route("POST", "/v1/pipeline", post(submit::pipeline), "create_pipeline",
            "Runs several steps on one or more files"),
        route("POST", "/v1/pipeline/explain", post(explain::pipeline), "explain_pipeline",
            "Predicts what a pipeline does to the files; nothing runs"),
        route("POST", "/v1/{operation}", post(submit::operation), "create_operation",
            "Runs a single operation on one or more files"),
        route("GET", "/v1/jobs", get(jobs::list), "list_jobs", "Jobs, newest first"),
        route("GET", "/v1/jobs/{id}", get(jobs::read), "read_job", "A job, in every state"),
        route("DELETE", "/v1/jobs/{id}", delete(jobs::remove), "delete_job",
            "Cancels a job and purges its files now"),
        route("POST", "/v1/jobs/{id}/cancel", post(jobs::cancel), "cancel_job", "Cancels a job"),
        route("GET", "/v1/jobs/{id}/events", get(events::stream), "stream_job",
            "Every change of a job as server-sent events"),
        route("GET", "/v1/jobs/{id}/download", get(download::all), "download_job",
            "The output; several as a ZIP archive"),
        route("GET", "/v1/jobs/{id}/outputs/{output_id}", get(download::one), "download_output",
            "One output"),
        route("GET", "/v1/operations", get(catalog::operations), "list_operations",
            "Operations, formats and limits"),
        route("GET", "/openapi.json", get(catalog::openapi), "read_openapi", "This document"),
        route("GET", "/docs", get(page::docs), "read_docs", "The reference as a page"),
        route("GET", "/docs/errors", get(page::errors), "read_errors", "The error codes as a page"),
        route("GET", "/healthz", get(health::live), "read_health", "Whether the process lives"),
        route("GET", "/readyz", get(health::ready), "read_readiness", "Whether jobs are taken"),
        route("GET", "/metrics", get(health::metrics), "read_metrics", "Counters for Prometheus"),
        route("GET", "/", get(page::home), "read_home", "What this is"),
        route("GET", "/style.css", get(page::style), "read_style", "The style of the pages"),
    ]
}

/// All routes as a router.
pub(crate) fn router() -> Router<State> {
    table().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler))
}
