//! Replay from the outside: the incident, the recordings of real Caddys, and every way to hand a
//! log over.

#[cfg(test)]
#[path = "replay/captures.rs"]
mod captures;
#[cfg(test)]
#[path = "replay/contract.rs"]
mod contract;
#[cfg(test)]
#[path = "replay/encoders.rs"]
mod encoders;
#[cfg(test)]
#[path = "replay/handing_over.rs"]
mod handing_over;
#[cfg(test)]
#[path = "replay/incident.rs"]
mod incident;
#[cfg(test)]
#[path = "replay/lead.rs"]
mod lead;
#[cfg(test)]
#[path = "kit/page.rs"]
mod page;
#[cfg(test)]
#[path = "kit/program.rs"]
mod program;
#[cfg(test)]
#[path = "replay/rolled.rs"]
mod rolled;
#[cfg(test)]
#[path = "kit/rows.rs"]
mod rows;
#[cfg(test)]
#[path = "replay/told.rs"]
mod told;
