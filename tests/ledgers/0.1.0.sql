PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
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
CREATE UNIQUE INDEX one_living_sub_user ON sub_users(source, key) WHERE stage IN ('wanted', 'managed');
CREATE UNIQUE INDEX one_owner_of_an_account ON sub_users(uin) WHERE uin IS NOT NULL AND stage = 'managed';
CREATE INDEX sub_users_by_member ON sub_users(source, key);
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
CREATE UNIQUE INDEX one_in_flight ON changes(sub_user) WHERE status = 'in_flight' AND sub_user IS NOT NULL;
CREATE UNIQUE INDEX one_in_flight_alone ON changes(object_kind, object_name) WHERE status = 'in_flight' AND sub_user IS NULL;
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
CREATE TABLE keys_off (
    sub_user INTEGER NOT NULL REFERENCES sub_users(id),
    key      TEXT NOT NULL,
    off_at   TEXT NOT NULL,
    PRIMARY KEY (sub_user, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE own_grants (
    uin     INTEGER PRIMARY KEY,
    own     TEXT NOT NULL,               -- JSON
    read_at TEXT NOT NULL
) STRICT;
CREATE TABLE policy_pins (
    name       TEXT PRIMARY KEY,
    cam_id     INTEGER NOT NULL,
    administers INTEGER NOT NULL
) STRICT;
CREATE TABLE full_quotas (
    quota    TEXT NOT NULL,
    of       INTEGER NOT NULL,           -- CAM's id of the group, or the Uin; 0: the account
    used     INTEGER,                    -- how many there were when CAM was next read
    since    TEXT NOT NULL,
    retry_at TEXT NOT NULL,              -- tried again by then at the latest
    PRIMARY KEY (quota, of)
) STRICT;
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
CREATE TABLE notification_targets (
    target          TEXT PRIMARY KEY,
    last_sent_at    TEXT,
    failing_since   TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,  -- that failed in a row
    next_attempt_at TEXT,
    last_error      TEXT
) STRICT;
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,               -- JSON
    hash    TEXT NOT NULL
) STRICT;
INSERT INTO meta VALUES ('owner_uin', '100000000001');
INSERT INTO meta VALUES ('observed_sub_users', '4');
INSERT INTO meta VALUES ('audit_head', '6 11ade4689f7ea251d5d9461e7132ddfd83d5b83bd303e46a8a4b68432b709f20');
INSERT INTO sources VALUES ('acme', 'wecom', 'ww0123456789abcdef', '云海科技', 'camsync', NULL, 0, '2026-11-28T14:32:37.676Z', '2026-11-28T14:32:37.676Z', '4b2b625cf38880925f0dc0ea44c341cfad80b1a5', 3, 1, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO crawls VALUES (1, 'acme', '2026-11-28T14:32:36.980Z', '2026-11-28T14:32:37.074Z', 1, 4, 1, NULL);
INSERT INTO crawls VALUES (2, 'acme', '2026-11-28T14:32:37.655Z', '2026-11-28T14:32:37.676Z', 1, 3, 1, NULL);
INSERT INTO departments VALUES ('acme', '1', NULL, '云海科技');
INSERT INTO range_items VALUES ('acme', 'department:1');
INSERT INTO members VALUES ('acme', 'm1', 'm1', '{"id":"m1","username":"m1","name":"成员1","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', 'a9cd3e49433842f8bfe419193244c4d8', 1, NULL, 0, NULL, '{"admitted":{"rule":23,"username":"m1","remark":"成员1","console_login":true,"adopt":"never","conflict":"hold","phone":null,"email":null}}', NULL, NULL, NULL);
INSERT INTO members VALUES ('acme', 'm2', 'm2', '{"id":"m2","username":"m2","name":"成员2","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', '6f696de82493c7d1cdc2afde8ed7ea7e', 1, NULL, 0, NULL, '{"admitted":{"rule":23,"username":"m2","remark":"成员2","console_login":true,"adopt":"never","conflict":"hold","phone":null,"email":null}}', NULL, NULL, NULL);
INSERT INTO members VALUES ('acme', 'm3', 'm3', '{"id":"m3","username":"m3","name":"成员3","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', '429eb6f07a1b1bef13ac8e604bbe7364', 1, NULL, 0, NULL, '{"admitted":{"rule":23,"username":"m3","remark":"成员3","console_login":true,"adopt":"never","conflict":"hold","phone":null,"email":null}}', NULL, NULL, NULL);
INSERT INTO members VALUES ('acme', 'm4', 'm4', '{"id":"m4","username":"m4","name":"成员4","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', 'fc6d697eafc43d960fbccf70ee8153d6', 0, '2026-11-28T14:32:37.676Z', 1, '{"answer":"gone","text":"user/get 60111 userid not found"}', NULL, NULL, NULL, NULL);
INSERT INTO sub_users VALUES (1, 'acme', 'm1', 'm1', 'm1', 100000500002, 'created', 'managed', 'owvm77i33rrpmh2q', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, '{"id":"m1","username":"m1","name":"成员1","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', '2026-11-28T14:32:37.104Z', NULL);
INSERT INTO sub_users VALUES (2, 'acme', 'm2', 'm2', 'm2', 100000500004, 'created', 'managed', '6oxlv2r5wmckgzun', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, 1, 0, NULL, 0, '{"id":"m2","username":"m2","name":"成员2","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', '2026-11-28T14:32:37.104Z', NULL);
INSERT INTO sub_users VALUES (3, 'acme', 'm3', 'm3', 'm3', 100000500006, 'created', 'managed', '56eajsvuhg5zpvqt', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, '{"id":"m3","username":"m3","name":"成员3","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', '2026-11-28T14:32:37.104Z', NULL);
INSERT INTO sub_users VALUES (4, 'acme', 'm4', 'm4', 'm4', 100000500008, 'created', 'managed', '36bertc67rr3tbun', 0, 1, NULL, 'absent', '2026-11-28T14:32:37.770Z', NULL, NULL, NULL, 0, 0, NULL, 0, '{"id":"m4","username":"m4","name":"成员4","alias":"","email":"","phone":"","position":"","status":"active","departments":["1"],"main_department":"1","leader_of":[],"tags":[],"attributes":{},"shown_by":["department:1"]}', '2026-11-28T14:32:37.104Z', NULL);
INSERT INTO changes VALUES (1, 1, 'acme', 'm1', 'm1', 'create_user', NULL, NULL, NULL, 'applied', '{"because":"admitted","rule":23}', NULL, '{"remark":"成员1 [camsync:owvm77i33rrpmh2q]","console_login":true}', NULL, NULL, 0, 0, 1, NULL, NULL, 1, NULL, NULL, '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.133Z');
INSERT INTO changes VALUES (2, 2, 'acme', 'm2', 'm2', 'create_user', NULL, NULL, NULL, 'applied', '{"because":"admitted","rule":23}', NULL, '{"remark":"成员2 [camsync:6oxlv2r5wmckgzun]","console_login":true}', NULL, NULL, 0, 0, 1, NULL, NULL, 1, NULL, NULL, '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.195Z');
INSERT INTO changes VALUES (3, 3, 'acme', 'm3', 'm3', 'create_user', NULL, NULL, NULL, 'applied', '{"because":"admitted","rule":23}', NULL, '{"remark":"成员3 [camsync:56eajsvuhg5zpvqt]","console_login":true}', NULL, NULL, 0, 0, 1, NULL, NULL, 1, NULL, NULL, '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.255Z');
INSERT INTO changes VALUES (4, 4, 'acme', 'm4', 'm4', 'create_user', NULL, NULL, NULL, 'applied', '{"because":"admitted","rule":23}', NULL, '{"remark":"成员4 [camsync:36bertc67rr3tbun]","console_login":true}', NULL, NULL, 0, 0, 1, NULL, NULL, 1, NULL, NULL, '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.104Z', '2026-11-28T14:32:37.322Z');
INSERT INTO changes VALUES (5, 4, 'acme', 'm4', 'm4', 'suspend_user', NULL, NULL, NULL, 'applied', '{"because":"leaver","evidence":"absent","grounds":{"fact":"gone","text":"user/get 60111 userid not found"}}', '{"remark":null,"console_login":true}', '{"remark":null,"console_login":false}', 'absent', 'suspend_user', 1, 0, NULL, NULL, NULL, 1, NULL, NULL, '2026-11-28T14:32:37.693Z', '2026-11-28T14:32:37.693Z', '2026-11-28T14:32:37.770Z');
INSERT INTO own_grants VALUES (100000500008, '{"policies":{},"keys":{},"groups":null}', '2026-11-28T14:32:37.693Z');
INSERT INTO attempts VALUES (1, 1, 1, '2026-11-28T14:32:37.124Z', '2026-11-28T14:32:37.133Z', '{"result":"applied"}', '51317a7e-0000-4000-8000-000000000003');
INSERT INTO attempts VALUES (2, 2, 1, '2026-11-28T14:32:37.129Z', '2026-11-28T14:32:37.195Z', '{"result":"applied"}', '51317a7e-0000-4000-8000-000000000004');
INSERT INTO attempts VALUES (3, 3, 1, '2026-11-28T14:32:37.131Z', '2026-11-28T14:32:37.255Z', '{"result":"applied"}', '51317a7e-0000-4000-8000-000000000005');
INSERT INTO attempts VALUES (4, 4, 1, '2026-11-28T14:32:37.132Z', '2026-11-28T14:32:37.322Z', '{"result":"applied"}', '51317a7e-0000-4000-8000-000000000006');
INSERT INTO attempts VALUES (5, 5, 1, '2026-11-28T14:32:37.702Z', '2026-11-28T14:32:37.770Z', '{"result":"applied"}', '51317a7e-0000-4000-8000-00000000000d');
INSERT INTO audit VALUES (1, '2026-11-28T14:32:37.133Z', 'rule:23', 'change.create_user', 'm1', '{"after":{"console_login":true,"remark":""},"already":false,"before":null,"change":1,"member":"m1","object":null,"plan":null,"reason":"admitted by the rule in line 23","reason_details":{"because":"admitted","rule":23},"source":"acme"}', 'beda1e45dd8d23a28e04474fab460eaf00f81933784f17d48f4320aab241ed0e');
INSERT INTO audit VALUES (2, '2026-11-28T14:32:37.195Z', 'rule:23', 'change.create_user', 'm2', '{"after":{"console_login":true,"remark":""},"already":false,"before":null,"change":2,"member":"m2","object":null,"plan":null,"reason":"admitted by the rule in line 23","reason_details":{"because":"admitted","rule":23},"source":"acme"}', 'a02d428764a8ef214d4f2fc85eb6e990568a46323b124e55273992207c4714d3');
INSERT INTO audit VALUES (3, '2026-11-28T14:32:37.255Z', 'rule:23', 'change.create_user', 'm3', '{"after":{"console_login":true,"remark":""},"already":false,"before":null,"change":3,"member":"m3","object":null,"plan":null,"reason":"admitted by the rule in line 23","reason_details":{"because":"admitted","rule":23},"source":"acme"}', '977cce76830a4b3d6a54ecbaaca79dd828df11208301b6901e0d20c21492da27');
INSERT INTO audit VALUES (4, '2026-11-28T14:32:37.322Z', 'rule:23', 'change.create_user', 'm4', '{"after":{"console_login":true,"remark":""},"already":false,"before":null,"change":4,"member":"m4","object":null,"plan":null,"reason":"admitted by the rule in line 23","reason_details":{"because":"admitted","rule":23},"source":"acme"}', '974cfdabee98e4df86ac68dea77612ba456730c26ec4415ee85bb33071b85de6');
INSERT INTO audit VALUES (5, '2026-11-28T14:32:37.361Z', 'cli:tester', 'member.protect', 'm2', '{"member":"m2","source":"acme"}', '9be220d6d248c1ecb7ba0826e2aa38bed9ddc567774842aee3f0c0022ba89617');
INSERT INTO audit VALUES (6, '2026-11-28T14:32:37.770Z', 'camsync', 'change.suspend_user', 'm4', '{"after":{"console_login":false,"remark":null},"already":false,"before":{"console_login":true,"remark":null},"change":5,"member":"m4","object":null,"plan":null,"reason":"absent: missing from a complete crawl, and the look-up says: user/get 60111 userid not found","reason_details":{"because":"leaver","evidence":"absent","grounds":{"fact":"gone","text":"user/get 60111 userid not found"}},"source":"acme"}', '11ade4689f7ea251d5d9461e7132ddfd83d5b83bd303e46a8a4b68432b709f20');
COMMIT;
PRAGMA user_version = 1;
