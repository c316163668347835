//! Whole servers, lived through: three healthy weeks, an outage of the CA, a flood of strangers.
//! Whoever watches them is told of what needs a person, once, and otherwise sleeps.

#[cfg(test)]
#[path = "quiet/outage.rs"]
mod outage;
#[cfg(test)]
#[path = "kit/rows.rs"]
mod rows;
#[cfg(test)]
#[path = "quiet/server.rs"]
mod server;
#[cfg(test)]
#[path = "quiet/strangers.rs"]
mod strangers;
#[cfg(test)]
#[path = "quiet/told.rs"]
mod told;
#[cfg(test)]
#[path = "quiet/weeks.rs"]
mod weeks;
