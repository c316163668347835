CREATE TABLE position (
    source TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a ticket is never given out twice, also after its debt has left the log.
CREATE TABLE debt (
    ticket     INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    channel    TEXT NOT NULL,
    message    TEXT NOT NULL,
    settled    TEXT NOT NULL DEFAULT 'owed' CHECK (settled IN ('owed', 'delivered', 'refused')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    owed_at    INTEGER NOT NULL,
    tried_at   INTEGER,
    next_try   INTEGER NOT NULL,
    last_error TEXT,
    UNIQUE (message_id, channel)
) STRICT;

CREATE INDEX debt_owed ON debt (ticket) WHERE settled = 'owed';
CREATE INDEX debt_log ON debt (ticket) WHERE settled <> 'owed';
