//! `notafter notify test`: one message to each channel, past the outbox, and what became of it.

use crate::command::arguments::{NotifyArguments, NotifyTestArguments, NotifyVerb};
use crate::command::exit::{Exit, Failed, print};
use crate::command::loading::load_settings;
use crate::command::{channels, deliveries};
use crate::diagnostic::nearest;
use crate::engine::alert::stable_id;
use crate::engine::message::{Message, Reason, Status};
use crate::notify::{Answer, Channel, Client, Sender, Timeouts};
use crate::rules::Severity;
use chrono::Utc;

/// Runs one of the verbs.
pub(super) fn run(arguments: &NotifyArguments) -> Result<Exit, Failed> {
    match &arguments.verb {
        NotifyVerb::Test(test) => run_test(test),
        NotifyVerb::Log(log) => deliveries::run(log),
    }
}

fn run_test(arguments: &NotifyTestArguments) -> Result<Exit, Failed> {
    let channels = chosen(arguments)?;
    let client = Client::new(Timeouts::default())
        .map_err(|error| Failed::new(Exit::Unavailable, format!("error: {error}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::io("the runtime", &error))?;
    let all_taken = runtime.block_on(try_all(channels, &client))?;
    Ok(if all_taken {
        Exit::Fine
    } else {
        Exit::Unavailable
    })
}

/// The channels to try: those of the command line, else the named one, else all.
fn chosen(arguments: &NotifyTestArguments) -> Result<Vec<Channel>, Failed> {
    if !arguments.notify.is_empty() {
        return channels::of_urls(&arguments.notify);
    }
    let mut settings = load_settings(arguments.config.as_deref())?;
    if settings.channels.is_empty() {
        return Err(Failed::new(
            Exit::Usage,
            "error: no channel is configured\nhelp: name one, as in `notafter notify test --notify ntfy://ntfy.sh/YOUR-TOPIC`, or put a [[channel]] into the configuration",
        ));
    }
    if let Some(wanted) = &arguments.channel {
        let names: Vec<String> = settings
            .channels
            .iter()
            .map(|channel| channel.name.clone())
            .collect();
        settings.channels.retain(|channel| channel.name == *wanted);
        if settings.channels.is_empty() {
            return Err(unknown(wanted, &names));
        }
    }
    channels::configured(&settings)
}

fn unknown(wanted: &str, names: &[String]) -> Failed {
    let help = match nearest(wanted, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}", names.join(", ")),
    };
    let message = format!("error: no channel is named `{wanted}`\nhelp: {help}");
    Failed::new(Exit::Usage, message)
}

/// All at once, so that one that hangs keeps no other waiting; told in the order of the settings.
async fn try_all(channels: Vec<Channel>, client: &Client) -> Result<bool, Failed> {
    let tries: Vec<_> = channels
        .into_iter()
        .map(|channel| {
            let message = message(&channel);
            let shown = format!("{} ({})", channel.name(), channel.shown());
            let mut sender = Sender::new(channel, client);
            (
                shown,
                tokio::spawn(async move { sender.send(&message).await }),
            )
        })
        .collect();
    let mut all_taken = true;
    for (shown, tried) in tries {
        let answer = tried
            .await
            .map_err(|error| Failed::new(Exit::Io, format!("error: {shown}: {error}")))?;
        all_taken &= answer == Answer::Delivered;
        print(&format!("{shown}: {}\n", words(&answer)))?;
    }
    Ok(all_taken)
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Delivered => "delivered".to_owned(),
        Answer::Later { after, why } => {
            let wait = after.map(|after| format!(" in {} s", after.as_secs().max(1)));
            let wait = wait.unwrap_or_default();
            format!("not delivered: {why}; `watch` would try again{wait}")
        }
        Answer::Refused { why } => format!("not delivered: {why}"),
    }
}

/// Each run has its own id: a channel that drops what it has seen must not drop a second test.
fn message(channel: &Channel) -> Message {
    let now = Utc::now().timestamp_micros().to_string();
    let id = stable_id(&["test", &now, channel.name()]);
    let severity = channel.min_severity();
    Message {
        incident: id.clone(),
        id,
        instance: "test".to_owned(),
        certificate: None,
        certificates: Vec::new(),
        certificates_total: 0,
        severity: Severity::Info,
        status: Status::Firing,
        reason: Reason::Opened,
        at: None,
        title: "notafter: this is a test".to_owned(),
        body: format!(
            "The channel {} works: alerts of severity {severity} and above come here.\n\nNothing is wrong, and there is nothing to do. Alerts are sent by `notafter watch`; `notafter status` says what it knows.",
            channel.name()
        ),
        alerts: Vec::new(),
    }
}
