-- Times are milliseconds since 1970. Nested values are JSON.
CREATE TABLE jobs (
    id TEXT NOT NULL UNIQUE,
    operation TEXT NOT NULL,
    request TEXT NOT NULL,
    client_reference_id TEXT,
    tool_slug TEXT,
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'processing', 'succeeded', 'failed', 'cancelled')),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    ttl_hours INTEGER NOT NULL,
    clamp INTEGER NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL,
    steps TEXT NOT NULL,
    progress INTEGER NOT NULL,
    warnings TEXT NOT NULL,
    data TEXT NOT NULL,
    error TEXT,
    attempt INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    version INTEGER NOT NULL,
    -- Known to the store only.
    run_at INTEGER NOT NULL,
    lease_token TEXT,
    lease_worker TEXT,
    lease_until INTEGER,
    idempotency_scope TEXT,
    idempotency_key TEXT,
    payload_sha256 TEXT,
    swept INTEGER NOT NULL
);
-- The queue, in order.
CREATE INDEX jobs_queued ON jobs (run_at, id) WHERE status = 'queued';
CREATE INDEX jobs_processing ON jobs (lease_until) WHERE status = 'processing';
-- What a sweep looks for.
CREATE INDEX jobs_due ON jobs (expires_at) WHERE swept = 0 AND finished_at IS NOT NULL;
CREATE INDEX jobs_forgettable ON jobs (expires_at) WHERE swept = 1;
CREATE UNIQUE INDEX jobs_idempotency ON jobs (idempotency_scope, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_reference ON jobs (client_reference_id, id)
    WHERE client_reference_id IS NOT NULL;
