//! The command line.

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Watches Caddy's certificate logs and tells people while there is still time.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Find Caddy on this host and write a configuration for it
    Init(InitArguments),
    /// Follow Caddy's log and send alerts
    Watch(WatchArguments),
    /// Read archived logs and say when which alarm would have rung
    Replay(ReplayArguments),
    /// Check configuration, rules and permissions; changes nothing
    Check(CheckArguments),
    /// List, show and test the rules, and explain what they make of pasted lines
    Rules(RulesArguments),
    /// What is known of each certificate
    Status(StatusArguments),
    /// Try the channels that alerts go to, and list what was sent
    Notify(NotifyArguments),
    /// Tell nobody of some alerts for a while
    Silence(SilenceArguments),
    /// Print the JSON Schema of a file, for editors, or of the rows that programs read
    Schema(SchemaArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write all of them
    Man(ManArguments),
}

/// Where the rules come from.
#[derive(Debug, Args)]
pub struct RuleArguments {
    /// Directory of rule files that override the built-in ones by file name, and add to them
    #[arg(long = "rules", value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// How the lines of a log are printed, where that cannot be seen from them.
#[derive(Debug, Args)]
pub struct LayoutArguments {
    /// Keys of Caddy's own fields, as `message_key=M,level_key=L,time_key=T,name_key=N`, or the path of Caddy's
    /// autosave.json
    #[arg(long)]
    pub keys: Option<String>,
    /// Zone of times that are printed without one, such as +02:00 [default: UTC]
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    pub timezone: Option<String>,
}

/// `notafter watch`
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// Log file to follow, also one that does not exist yet; journal:UNIT or docker:NAME
    pub path: Option<PathBuf>,
    /// Where to send alerts
    #[arg(
        long,
        value_name = "URL",
        help = "Where to send alerts: ntfy://HOST/TOPIC, ntfy+http://HOST/TOPIC, matrixs://HOMESERVER/ROOM (access token in $NOTAFTER_TOKEN) or an http(s) webhook"
    )]
    pub notify: Vec<String>,
    /// Configuration file [default: /etc/notafter/notafter.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory for the reading position, the state and the outbox
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Append every change of an alert to this file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The rules.
    #[command(flatten)]
    pub rules: RuleArguments,
}

/// How a replay is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A story for people
    Text,
    /// JSON Lines for programs
    Json,
}

/// `notafter replay`
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// Log files, rotated ones too (.gz, .zst), or directories of them; - is standard input
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// How to tell it
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Ignore what happened before this RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Ignore what happened after this RFC 3339 time; log time moves up to it
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Name of the watched Caddy [default: the stem of the log's file name]
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Configuration file whose changes of rules count, its `[alerts]`, and the keys and the zone of its
    /// source of the same name
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub layout: LayoutArguments,
    /// Exit with 1 if an alert of at least this severity opened
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "warning", "critical"])]
    pub fail_on: Option<String>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The rules.
    #[command(flatten)]
    pub rules: RuleArguments,
}

/// `notafter check`
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Configuration file [default: /etc/notafter/notafter.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The rules.
    #[command(flatten)]
    pub rules: RuleArguments,
}

/// `notafter rules`
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// What to do with the rules.
    #[command(subcommand)]
    pub verb: RulesVerb,
}

/// The verbs of `notafter rules`.
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// One line per rule
    List(RulePlace),
    /// One rule whole: what opens it, why it matters, what to do
    Show {
        /// The rule's id
        id: String,
        #[command(flatten)]
        rules: RulePlace,
    },
    /// What was understood of pasted lines, and why each rule did or did not open
    Explain {
        /// File with lines of a log [default: standard input]
        file: Option<PathBuf>,
        /// Source of the configuration whose keys and zone the lines have
        #[arg(long, value_name = "NAME")]
        instance: Option<String>,
        #[command(flatten)]
        layout: LayoutArguments,
        #[command(flatten)]
        rules: RulePlace,
    },
    /// Run the examples of rules, and test files (*.test.toml)
    Test(RulesTestArguments),
}

/// Which rules are in force.
#[derive(Debug, Args)]
pub struct RulePlace {
    /// Directory of rule files that override the built-in ones by file name, and add to them
    #[arg(long = "rules", value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Configuration file [default: /etc/notafter/notafter.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `notafter rules test`
#[derive(Debug, Args)]
pub struct RulesTestArguments {
    /// Rule files and test files; without them, every rule's examples and the directory's test files
    pub files: Vec<PathBuf>,
    /// Write a report in the XML of `JUnit` to this file, too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RulePlace,
}

/// `notafter status`
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Only this certificate
    pub name: Option<String>,
    /// As JSON Lines
    #[arg(long)]
    pub json: bool,
    /// Directory of the state
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `notafter init`
#[derive(Debug, Args)]
pub struct InitArguments {
    /// Where to send alerts [default: a new topic at ntfy.sh that nobody guesses]
    #[arg(long, value_name = "URL")]
    pub notify: Vec<String>,
    /// Configuration file to write [default: /etc/notafter/notafter.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the configuration instead of writing it
    #[arg(long)]
    pub print: bool,
    /// Overwrite a configuration that is there
    #[arg(long)]
    pub force: bool,
}

/// `notafter notify`
#[derive(Debug, Args)]
pub struct NotifyArguments {
    /// What to do with the channels.
    #[command(subcommand)]
    pub verb: NotifyVerb,
}

/// The verbs of `notafter notify`.
#[derive(Debug, Subcommand)]
pub enum NotifyVerb {
    /// Send one test message to every channel, and say whether it was taken
    Test(NotifyTestArguments),
    /// List what was sent to which channel, and what is still owed
    Log(NotifyLogArguments),
}

/// `notafter notify log`
#[derive(Debug, Args)]
pub struct NotifyLogArguments {
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// As JSON Lines
    #[arg(long)]
    pub json: bool,
    /// Directory of the state
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `notafter silence`
#[derive(Debug, Args)]
pub struct SilenceArguments {
    /// What to do with silences.
    #[command(subcommand)]
    pub verb: SilenceVerb,
}

/// Which watch is meant.
#[derive(Debug, Args)]
pub struct WatchPlace {
    /// Directory of the running watch's state
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// The verbs of `notafter silence`.
#[derive(Debug, Subcommand)]
pub enum SilenceVerb {
    /// Silence the alerts that match all that is given
    Add(SilenceAddArguments),
    /// List the silences in force
    List {
        /// As JSON Lines
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: WatchPlace,
    },
    /// End a silence now
    Expire {
        /// Its id
        id: String,
        #[command(flatten)]
        place: WatchPlace,
    },
}

/// `notafter silence add`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("matcher").args(["rule", "certificate", "instance", "cause"]).multiple(true).required(true)))]
#[command(group(ArgGroup::new("end").args(["length", "until"]).required(true)))]
pub struct SilenceAddArguments {
    /// Alerts of this rule
    #[arg(long)]
    pub rule: Option<String>,
    /// Alerts about these certificates; * stands for any characters
    #[arg(long, value_name = "GLOB")]
    pub certificate: Option<String>,
    /// Alerts of this watched Caddy
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Alerts with this cause, such as dns.servfail, or dns for all of them
    #[arg(long)]
    pub cause: Option<String>,
    /// How long, such as 2h or 1d 12h
    #[arg(long = "for", value_name = "LENGTH")]
    pub length: Option<String>,
    /// Until this RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Why
    #[arg(long)]
    pub comment: String,
    #[command(flatten)]
    pub place: WatchPlace,
}

/// `notafter notify test`
#[derive(Debug, Args)]
pub struct NotifyTestArguments {
    /// Only this channel of the configuration
    pub channel: Option<String>,
    /// Try this URL instead of the configuration's channels
    #[arg(long, value_name = "URL", conflicts_with_all = ["channel", "config"])]
    pub notify: Vec<String>,
    /// Configuration file [default: /etc/notafter/notafter.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// The configuration, with the rules in force and their parameters
    Config,
    /// A rule file
    Rule,
    /// A file of tests of rules, *.test.toml
    Test,
    /// A row of `replay --format json`, `status --json` and the other JSON Lines
    Replay,
}

/// `notafter schema`
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// What to describe
    #[arg(value_enum)]
    pub of: Described,
    /// The rules.
    #[command(flatten)]
    pub rules: RuleArguments,
}

/// `notafter completions`
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `notafter man`
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Write the page of notafter and one page per verb into this directory
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}
