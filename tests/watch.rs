//! `notafter watch` as a process: real files, real signals, a real webhook.

#[cfg(test)]
#[path = "watch/alone.rs"]
mod alone;
#[cfg(test)]
#[path = "watch/control.rs"]
mod control;
#[cfg(test)]
#[path = "watch/crashes.rs"]
mod crashes;
#[cfg(test)]
#[path = "watch/hook.rs"]
mod hook;
#[cfg(test)]
#[path = "watch/layout.rs"]
mod layout;
#[cfg(test)]
#[path = "watch/live.rs"]
mod live;
#[cfg(test)]
#[path = "watch/process.rs"]
mod process;
#[cfg(test)]
#[path = "watch/recent.rs"]
mod recent;
#[cfg(test)]
#[path = "kit/row_schema.rs"]
mod row_schema;
#[cfg(test)]
#[path = "watch/unknown.rs"]
mod unknown;
