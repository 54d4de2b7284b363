-- The ledger, version 1. Times are RFC 3339 in UTC with milliseconds; JSON columns hold kinds and fields.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- One row a configured (or formerly configured) source.
CREATE TABLE sources (
    name              TEXT PRIMARY KEY,
    connector         TEXT NOT NULL,
    enterprise        TEXT,              -- the enterprise that it is bound to
    enterprise_name   TEXT,              -- what it calls itself, as the last complete crawl says; for people only
    application_name  TEXT,              -- what the application is called there, likewise
    seen_enterprise   TEXT,              -- another enterprise that answered: nothing is written until a person says so
    paused            INTEGER NOT NULL DEFAULT 0,
    last_crawl_at     TEXT,
    last_complete_at  TEXT,
    range_fingerprint TEXT,
    members           INTEGER NOT NULL DEFAULT 0,
    departments       INTEGER NOT NULL DEFAULT 0,
    error             TEXT,              -- JSON, of the last crawl; null when it was complete
    failing_since     TEXT,
    failures          INTEGER NOT NULL DEFAULT 0,
    retry_at          TEXT,              -- a failing or throttled source is not asked before this
    unlinked          TEXT CHECK (unlinked IN ('keep', 'suspend', 'delete')),  -- a person's word; null while it is linked
    unlinked_at       TEXT,
    unlinked_by       TEXT,
    unlinked_plan     INTEGER            -- what was shown and confirmed then
) STRICT;

-- Crawls, complete or not; a partial one never becomes the snapshot.
CREATE TABLE crawls (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL REFERENCES sources(name),
    started_at  TEXT NOT NULL,
    ended_at    TEXT NOT NULL,
    complete    INTEGER NOT NULL,
    members     INTEGER NOT NULL,
    departments INTEGER NOT NULL,
    error       TEXT
) STRICT;
CREATE INDEX crawls_by_source ON crawls(source, id);

-- The snapshot: the last complete crawl, with what verified look-ups added or corrected since.
CREATE TABLE departments (
    source TEXT NOT NULL REFERENCES sources(name),
    id     TEXT NOT NULL,
    parent TEXT,
    name   TEXT NOT NULL,
    PRIMARY KEY (source, id)
) STRICT;

CREATE TABLE range_items (
    source TEXT NOT NULL REFERENCES sources(name),
    item   TEXT NOT NULL,
    PRIMARY KEY (source, item)
) STRICT;

-- How a resolved range changed, the last few times.
CREATE TABLE range_changes (
    id         INTEGER PRIMARY KEY,
    source     TEXT NOT NULL REFERENCES sources(name),
    at         TEXT NOT NULL,
    configured INTEGER NOT NULL,         -- somebody changed the range itself, and not only what is in it
    came       TEXT NOT NULL,            -- JSON, the first of it by name
    came_count INTEGER NOT NULL,
    went       TEXT NOT NULL,            -- JSON
    went_count INTEGER NOT NULL
) STRICT;
CREATE INDEX range_changes_by_source ON range_changes(source, id);

CREATE TABLE members (
    source         TEXT NOT NULL REFERENCES sources(name),
    key            TEXT NOT NULL,        -- the id, folded
    id             TEXT NOT NULL,
    facts          TEXT NOT NULL,        -- JSON
    facts_hash     TEXT NOT NULL,
    present        INTEGER NOT NULL,     -- in the snapshot
    missing_since  TEXT,
    missing_crawls INTEGER NOT NULL DEFAULT 0,
    witness        TEXT,                 -- JSON, the last answer of a look-up
    verdict        TEXT,                 -- JSON, of the last plan
    groups         TEXT,                 -- JSON
    policies       TEXT,                 -- JSON
    problems       TEXT,                 -- JSON, of the last plan
    PRIMARY KEY (source, key)
) STRICT;

-- Sub-users that camsync wants, manages or has managed.
CREATE TABLE sub_users (
    id                INTEGER PRIMARY KEY,
    source            TEXT NOT NULL,
    member            TEXT NOT NULL,
    key               TEXT NOT NULL,
    username          TEXT NOT NULL,
    uin               INTEGER,
    origin            TEXT NOT NULL CHECK (origin IN ('created', 'adopted')),
    stage             TEXT NOT NULL CHECK (stage IN ('wanted', 'managed', 'deleted', 'released', 'abandoned')),
    mark              TEXT NOT NULL UNIQUE,
    login             INTEGER NOT NULL,
    rule_login        INTEGER NOT NULL,
    unconfirmed_since TEXT,
    leaving_evidence  TEXT,
    leaving_since     TEXT,
    login_before      INTEGER,           -- of a leaver whose sign-in was off already: what login said then
    stopped_at        TEXT,
    stopped_by        TEXT,
    protected         INTEGER NOT NULL DEFAULT 0,
    resume_requested  INTEGER NOT NULL DEFAULT 0,
    replaced_by       TEXT,              -- it is to go, for its member has another one: who said so
    keys_requested    INTEGER NOT NULL DEFAULT 0,  -- a person asked that the keys switched off come back
    admitted          TEXT,              -- JSON, the facts with which a rule last admitted
    created_at        TEXT NOT NULL,
    ended_at          TEXT
) STRICT;
-- A member has one living sub-user, an account one living owner: never created twice, by the database's own word.
CREATE UNIQUE INDEX one_living_sub_user ON sub_users(source, key) WHERE stage IN ('wanted', 'managed');
CREATE UNIQUE INDEX one_owner_of_an_account ON sub_users(uin) WHERE uin IS NOT NULL AND stage = 'managed';
CREATE INDEX sub_users_by_member ON sub_users(source, key);

-- The outbox and its history: one row a CAM write.
CREATE TABLE changes (
    id              INTEGER PRIMARY KEY,
    sub_user        INTEGER REFERENCES sub_users(id),  -- null: about a group or policy alone
    source          TEXT NOT NULL,
    member          TEXT NOT NULL,       -- empty without a sub-user, as the next
    username        TEXT NOT NULL,
    kind            TEXT NOT NULL,
    object_kind     TEXT CHECK (object_kind IN ('group', 'policy', 'key')),
    object_name     TEXT,                -- of a key: its id
    object_id       INTEGER,             -- CAM's id of a group or policy, when it was known
    status          TEXT NOT NULL CHECK (status IN ('pending', 'in_flight', 'applied', 'failed', 'held', 'superseded', 'cancelled')),
    reason          TEXT NOT NULL,       -- JSON
    before          TEXT,                -- JSON
    after           TEXT,                -- JSON
    evidence        TEXT,
    removal         TEXT,                -- of a removal: the kind of change that it is a part of
    counted         INTEGER NOT NULL DEFAULT 0,  -- let through by the guard without approval
    urgent          INTEGER NOT NULL DEFAULT 0,  -- a person's emergency: past guard, freeze and order
    rule_login      INTEGER,
    plan            INTEGER REFERENCES plans(id),
    hold            TEXT,                -- JSON
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT,
    last_error      TEXT,                -- JSON
    created_at      TEXT NOT NULL,
    released_at     TEXT,
    applied_at      TEXT
) STRICT;
CREATE INDEX changes_by_status ON changes(status, id);
CREATE INDEX changes_by_sub_user ON changes(sub_user, id);
CREATE INDEX changes_in_window ON changes(released_at) WHERE counted = 1;
-- Order per sub-user, and per group or policy alone: one attempt at a time.
CREATE UNIQUE INDEX one_in_flight ON changes(sub_user) WHERE status = 'in_flight' AND sub_user IS NOT NULL;
CREATE UNIQUE INDEX one_in_flight_alone ON changes(object_kind, object_name) WHERE status = 'in_flight' AND sub_user IS NULL;

-- Groups and policies that camsync made, or is about to make.
CREATE TABLE made_objects (
    id                INTEGER PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('group', 'policy')),
    name              TEXT NOT NULL,
    mark              TEXT NOT NULL UNIQUE,  -- in its remark: whose creation it was when the answer was lost
    cam_id            INTEGER,
    unconfirmed_since TEXT,
    made_at           TEXT
) STRICT;
CREATE UNIQUE INDEX one_made_object ON made_objects(kind, name);

-- What camsync gave, and may take back.
CREATE TABLE grants (
    sub_user          INTEGER NOT NULL REFERENCES sub_users(id),
    kind              TEXT NOT NULL CHECK (kind IN ('group', 'policy')),
    cam_id            INTEGER NOT NULL,
    name              TEXT NOT NULL,
    rule              INTEGER,           -- line of the rule; null: the deny-all policy
    template          TEXT,              -- the sub-user that the rule follows, when it came from there
    given_at          TEXT NOT NULL,
    unconfirmed_since TEXT,
    PRIMARY KEY (sub_user, kind, cam_id)
) STRICT, WITHOUT ROWID;

-- API keys that camsync switched off.
CREATE TABLE keys_off (
    sub_user INTEGER NOT NULL REFERENCES sub_users(id),
    key      TEXT NOT NULL,
    off_at   TEXT NOT NULL,
    PRIMARY KEY (sub_user, key)
) STRICT, WITHOUT ROWID;

-- What a sub-user has of its own, as last read: asked at most once an hour.
CREATE TABLE own_grants (
    uin     INTEGER PRIMARY KEY,
    own     TEXT NOT NULL,               -- JSON
    read_at TEXT NOT NULL
) STRICT;

-- Policies as they were when a rule first came to them.
CREATE TABLE policy_pins (
    name       TEXT PRIMARY KEY,
    cam_id     INTEGER NOT NULL,
    administers INTEGER NOT NULL
) STRICT;

-- Quotas that CAM refused for.
CREATE TABLE full_quotas (
    quota    TEXT NOT NULL,
    of       INTEGER NOT NULL,           -- CAM's id of the group, or the Uin; 0: the account
    used     INTEGER,                    -- how many there were when CAM was next read
    since    TEXT NOT NULL,
    retry_at TEXT NOT NULL,              -- tried again by then at the latest
    PRIMARY KEY (quota, of)
) STRICT;

-- One try to apply a change: recorded before it is sent, its outcome after.
CREATE TABLE attempts (
    id         INTEGER PRIMARY KEY,
    change     INTEGER NOT NULL REFERENCES changes(id),
    number     INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    outcome    TEXT,                     -- JSON
    request_id TEXT
) STRICT;
CREATE INDEX attempts_by_change ON attempts(change, number);

-- One row a bucket that the guard held: one kind of evidence of one source.
CREATE TABLE plans (
    id         INTEGER PRIMARY KEY,
    source     TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    member     TEXT,                     -- for an adoption: whose
    status     TEXT NOT NULL CHECK (status IN ('held', 'approved', 'discarded', 'applied', 'superseded')),
    "limit"    INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT,
    first_approval_at TEXT,              -- where two people must approve: the first, while the second is missing
    first_approval_by TEXT
) STRICT;
CREATE INDEX plans_by_status ON plans(status, id);

CREATE TABLE plan_removals (
    plan     INTEGER NOT NULL REFERENCES plans(id),
    subject  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    member   TEXT NOT NULL,
    username TEXT NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (plan, subject, kind)
) STRICT;

-- An approval belongs to the pairs that were shown, for one kind of evidence, and ends.
CREATE TABLE approvals (
    subject     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    evidence    TEXT NOT NULL,
    source      TEXT NOT NULL,
    plan        INTEGER NOT NULL REFERENCES plans(id),
    approved_by TEXT NOT NULL,
    approved_at TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    PRIMARY KEY (subject, kind, evidence)
) STRICT;

-- Members' own requests. At most one of a member is open; a decision is written once.
CREATE TABLE applications (
    id         INTEGER PRIMARY KEY,
    source     TEXT NOT NULL,
    key        TEXT NOT NULL,
    member     TEXT NOT NULL,
    name       TEXT NOT NULL,
    reason     TEXT NOT NULL,            -- the member's words
    status     TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'withdrawn')),
    created_at TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT,
    note       TEXT,                     -- what whoever denied it had to say
    ended      TEXT CHECK (ended IN ('member', 'expired', 'left', 'not_asked')),  -- why it is withdrawn
    ended_at   TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_application ON applications(source, key) WHERE status = 'pending';
CREATE INDEX applications_by_status ON applications(status, id);
CREATE INDEX applications_by_member ON applications(source, key, id);

-- What members are told about their applications, noticed before it is sent. Whom and which words, the application says.
CREATE TABLE messages (
    id              INTEGER PRIMARY KEY,
    application     INTEGER NOT NULL REFERENCES applications(id),
    about           TEXT NOT NULL CHECK (about IN ('ready', 'approved', 'denied', 'expired', 'not_asked')),
    noticed_at      TEXT NOT NULL,
    sent_at         TEXT,
    given_up_at     TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,  -- that failed
    next_attempt_at TEXT,
    last_error      TEXT,
    UNIQUE (application, about)
) STRICT;
CREATE INDEX messages_waiting ON messages(id) WHERE sent_at IS NULL AND given_up_at IS NULL;

-- What a notification target is, or was, told: noticed before it is sent, and kept until it is over and that is told too.
CREATE TABLE notifications (
    id         INTEGER PRIMARY KEY,
    target     TEXT NOT NULL,            -- as the configuration names it; never the address that is a secret
    cause      TEXT NOT NULL,            -- the same for as long as it stands
    detail     TEXT NOT NULL,            -- JSON, the cause when it was noticed
    noticed_at TEXT NOT NULL,
    sent_at    TEXT,
    over_at    TEXT,                     -- no longer stands; removed once that was sent
    UNIQUE (target, cause)
) STRICT;

-- How it goes with sending to a target.
CREATE TABLE notification_targets (
    target          TEXT PRIMARY KEY,
    last_sent_at    TEXT,
    failing_since   TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,  -- that failed in a row
    next_attempt_at TEXT,
    last_error      TEXT
) STRICT;

-- Who did what, when, and why. Each row's hash covers the one before: a removed row shows.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,               -- JSON
    hash    TEXT NOT NULL
) STRICT;
