//! Logging in: WeChat and staff logins, sessions (one a device), and their refresh tokens.

const UP: &str = r"
CREATE TABLE wechat_logins (
    appid {code} NOT NULL,
    openid {code} NOT NULL,
    account {uuid} NOT NULL CONSTRAINT wechat_logins_account_fk REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    CONSTRAINT wechat_logins_pk PRIMARY KEY (appid, openid)
)

CREATE INDEX wechat_logins_by_account ON wechat_logins (account)

CREATE TABLE staff_logins (
    login {code} NOT NULL CONSTRAINT staff_logins_pk PRIMARY KEY,
    account {uuid} NOT NULL CONSTRAINT staff_logins_account_unique UNIQUE CONSTRAINT staff_logins_account_fk REFERENCES accounts (id),
    password {code} NOT NULL,
    generation BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL
)

CREATE TABLE staff_failures (
    login {code} NOT NULL,
    address {code} NOT NULL,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    CONSTRAINT staff_failures_pk PRIMARY KEY (login, address)
)

CREATE INDEX staff_failures_by_age ON staff_failures (last_at)

CREATE TABLE sessions (
    account {uuid} NOT NULL CONSTRAINT sessions_account_fk REFERENCES accounts (id),
    id {uuid} NOT NULL,
    kind {code} NOT NULL CONSTRAINT sessions_kind_known CHECK (kind IN ('wechat', 'staff', 'sandbox')),
    device {uuid} NOT NULL,
    device_name TEXT,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_because {code},
    CONSTRAINT sessions_pk PRIMARY KEY (account, id)
)

CREATE INDEX sessions_by_age ON sessions (expires_at)

CREATE TABLE refresh_tokens (
    digest {code} NOT NULL CONSTRAINT refresh_tokens_pk PRIMARY KEY,
    account {uuid} NOT NULL,
    session {uuid} NOT NULL,
    issued_at BIGINT NOT NULL,
    used_at BIGINT,
    child {code},
    CONSTRAINT refresh_tokens_session_fk FOREIGN KEY (account, session) REFERENCES sessions (account, id),
    CONSTRAINT refresh_tokens_used_for_a_child CHECK ((used_at IS NULL) = (child IS NULL))
)

CREATE INDEX refresh_tokens_by_use ON refresh_tokens (used_at) WHERE used_at IS NOT NULL

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (account, session)
";

crate::step! {
    up: UP,
    tables: ["refresh_tokens", "sessions", "staff_failures", "staff_logins", "wechat_logins"],
    functions: []
}
