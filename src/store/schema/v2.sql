-- A debt may be superseded; SQLite cannot change a CHECK in place.
CREATE TABLE debt_v2 (
    ticket     INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    channel    TEXT NOT NULL,
    message    TEXT NOT NULL,
    settled    TEXT NOT NULL DEFAULT 'owed'
               CHECK (settled IN ('owed', 'delivered', 'refused', 'superseded')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    owed_at    INTEGER NOT NULL,
    tried_at   INTEGER,
    next_try   INTEGER NOT NULL,
    last_error TEXT,
    UNIQUE (message_id, channel)
) STRICT;

INSERT INTO debt_v2 SELECT * FROM debt;

-- The last ticket may have left the log, and none is given out twice.
DELETE FROM sqlite_sequence WHERE name = 'debt_v2';
INSERT INTO sqlite_sequence (name, seq) SELECT 'debt_v2', seq FROM sqlite_sequence WHERE name = 'debt';

DROP TABLE debt;
ALTER TABLE debt_v2 RENAME TO debt;

CREATE INDEX debt_owed ON debt (ticket) WHERE settled = 'owed';
CREATE INDEX debt_log ON debt (ticket) WHERE settled <> 'owed';
