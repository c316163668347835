//! What the configuration may hold, as JSON Schema, so that an editor can complete and check it.
//!
//! The readers beside this file decide; `tests/schema.rs` holds the two together. What only another
//! room knows, the rules with their parameters, is asked of it.

use super::alerts::GROUPS;
use super::channel::SCHEMES;
use crate::document::Scalar;
use crate::rules::schema::DRAFT;
use crate::rules::{Rule, RuleSet, Severity};
use serde_json::{Map, Value as Json, json};

/// As `document::parse_length` reads it.
const LENGTH: &str = r"^\s*([0-9]+\s*(s|m|min|h|d)\s*)+$";
/// As `name::is_name` wants it.
const NAME: &str = "^[a-z0-9][a-z0-9._-]*$";

/// The schema of the configuration, with these rules.
pub fn schema(rules: &RuleSet) -> Json {
    json!({
        "$schema": DRAFT,
        "title": "Configuration of notafter",
        "description": "`notafter check` says all that is wrong with it.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "state": path("Where positions, certificates and undelivered alerts are kept."),
            "rules_directory": path("Rules of your own; a file named like a built-in rule replaces it."),
            "source": {"type": "array", "description": "The watched Caddys.", "items": source()},
            "channel": {"type": "array", "description": "Where messages go.", "items": channel()},
            "rules": all_rules(rules),
            "alerts": alerts(),
            "serve": serve(),
        },
    })
}

fn path(description: &str) -> Json {
    json!({"type": "string", "minLength": 1, "description": description})
}

fn pattern(pattern: &str, description: &str) -> Json {
    json!({"type": "string", "pattern": pattern, "description": description})
}

fn severity(description: &str) -> Json {
    json!({"enum": Severity::ALL.map(Severity::word), "description": description})
}

fn source() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": pattern(NAME, "Appears in alerts and keys the saved reading position. Without it: the name of the file, unit or container."),
            "file": path("Caddy's log file; its rotated set is found beside it."),
            "journal": pattern(r"^(CONTAINER_NAME=)?[A-Za-z0-9@:._\\-]+$", "The unit that Caddy runs as, or `CONTAINER_NAME=NAME`."),
            "docker": pattern("^([A-Za-z0-9][A-Za-z0-9._-]*|label=[^=].*)$", "The name of Caddy's container, or `label=KEY=VALUE`."),
            "timezone": pattern(r"^([Uu][Tt][Cc]|Z|[+-].+)$", "For times that are logged without a zone: `UTC`, or an offset such as `+02:00`."),
            "lag": pattern(LENGTH, "How long a line may be under way, such as `5s`."),
            "keys": keys(),
        },
        "oneOf": [{"required": ["file"]}, {"required": ["journal"]}, {"required": ["docker"]}],
    })
}

fn keys() -> Json {
    let key = json!({"type": "string"});
    let told = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {"message_key": key, "level_key": key, "time_key": key, "name_key": key},
    });
    json!({
        "description": "The keys of Caddy's own fields where its encoder renames them, or the configuration of Caddy's that has them (`autosave.json`).",
        "anyOf": [path("A configuration of Caddy's, as JSON."), told],
    })
}

fn channel() -> Json {
    let schemes = SCHEMES.map(|scheme| scheme.replace('+', r"\+")).join("|");
    let word = |description: &str| pattern("^[A-Za-z0-9_.-]+$", description);
    let tokens = ["token_file", "token_credential", "token_env"];
    let one: Vec<Json> = tokens.map(|token| json!({"required": [token]})).to_vec();
    let none = json!({"not": {"anyOf": one}});
    let at_most_one: Vec<Json> = one.iter().cloned().chain([none]).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "url"],
        "properties": {
            "name": pattern(NAME, "Its name in the outbox, in metrics and on the command line."),
            "url": pattern(&format!("^({schemes})://[^/?#@]+([/?#].*)?$"), "`ntfy://HOST/TOPIC`, `matrixs://HOMESERVER/ROOM` or an `https://` webhook; never with a token in it."),
            "token_file": path("A file that holds the token and nothing else."),
            "token_credential": word("A credential that systemd hands over (`LoadCredential=`)."),
            "token_env": word("An environment variable that holds the token."),
            "min_severity": severity("The quietest severity to send; `warning` unless set."),
        },
        "oneOf": at_most_one,
        "if": {"properties": {"url": {"pattern": "^matrixs?:"}}, "required": ["url"]},
        "then": {"anyOf": one},
    })
}

fn all_rules(rules: &RuleSet) -> Json {
    let known = rules
        .all()
        .iter()
        .map(|rule| (rule.id.clone(), one_rule(rule)));
    json!({
        "type": "object",
        "description": "What is changed about rules, by their ids.",
        "additionalProperties": false,
        "properties": Json::Object(known.collect()),
    })
}

fn one_rule(rule: &Rule) -> Json {
    let mut properties = Map::new();
    for (name, own) in &rule.names.parameters {
        let (kind, value) = match own {
            Scalar::Text(text) => ("string", json!(text)),
            Scalar::Integer(number) => ("integer", json!(number)),
            Scalar::Boolean(truth) => ("boolean", json!(truth)),
        };
        properties.insert(name.clone(), json!({"type": kind, "default": value}));
    }
    let enabled = json!({"type": "boolean", "default": rule.enabled, "description": "On or off."});
    let loudest = severity("How loud its loudest level is; the others are never louder.");
    properties.insert("enabled".to_owned(), enabled);
    properties.insert("severity".to_owned(), loudest);
    json!({
        "type": "object",
        "description": rule.title,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn alerts() -> Json {
    let repeat = format!("^never$|{LENGTH}");
    json!({
        "type": "object",
        "description": "How people are told.",
        "additionalProperties": false,
        "properties": {
            "group": {"enum": GROUPS, "description": "Whether names that fail for one cause are told of together, or each on its own."},
            "repeat": pattern(&repeat, "How soon something critical that stays open is told again, or `never`."),
        },
    })
}

fn serve() -> Json {
    json!({
        "type": "object",
        "description": "Metrics and health over plain HTTP.",
        "additionalProperties": false,
        "required": ["listen"],
        "properties": {
            "listen": pattern(r"^(.*[.].*[.].*[.].*|\[.*\]):[0-9]+$", "An IP address and a port, such as `127.0.0.1:9119`."),
        },
    })
}
